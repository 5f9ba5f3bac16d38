import type { ComponentChildren } from "preact";
import type { Failure } from "../api/failure";
import { askForToken } from "../login";
import { Problem } from "./icons";

/** In the place of something that is not there: why, and what to do. */
export function Note({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="note">
      <strong>{title}</strong>
      {children}
    </div>
  );
}

export function FailureNote({ failure, again }: { failure: Failure; again?: () => void }) {
  if (failure.kind === "unauthenticated")
    return (
      <Note title="You need a token to look at this">
        <p>{failure.message}</p>
        <button type="button" class="button primary" onClick={askForToken}>
          Enter a token
        </button>
      </Note>
    );
  return (
    <div class="note" role="alert">
      <Problem size={22} />
      <strong>{failure.kind === "offline" ? "No connection to the server" : "That did not work"}</strong>
      <p>{failure.message}</p>
      {failure.kind === "offline" && <p>Trying again by itself; nothing is lost.</p>}
      {again && (
        <button type="button" class="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}
