import type { ComponentChildren } from "preact";
import type { Failure } from "../api/failure";
import { askForToken } from "../login";
import { Problem } from "./icons";

/** In the place of something that is not there: why, and what to do. */
interface NoteProps {
  readonly title: string;
  /** Whether the note is all there is on the page. */
  readonly alone?: boolean;
  readonly children?: ComponentChildren;
}

export function Note({ title, alone = false, children }: NoteProps) {
  return (
    <div class="note">
      {alone ? <h1>{title}</h1> : <strong>{title}</strong>}
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
