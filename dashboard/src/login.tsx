import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { whenUnauthenticated } from "./api/client";
import { disconnect } from "./api/live";
import { learnPermissions } from "./api/permissions";
import { setToken, token } from "./api/session";
import { Dialog } from "./ui/dialog";

const asking = signal(false);
/** Counts the times somebody came or went: the pages begin anew then. */
export const sessions = signal(0);

const AGAIN = 3_000;

export function askForToken(): void {
  asking.value = true;
}

whenUnauthenticated(askForToken);

/** Find out what we may do, again and again while the server cannot be reached. */
export function begin(): void {
  learnPermissions().catch((failure) => {
    if (failure.kind === "offline") setTimeout(begin, AGAIN);
  });
}

export function leave(): void {
  change(null);
  begin();
}

function change(value: string | null): void {
  setToken(value);
  disconnect();
  sessions.value++;
}

export function LoginDialog() {
  const [value, setValue] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  if (!asking.value) return null;
  const close = () => {
    asking.value = false;
    setProblem(null);
    setValue("");
  };
  const enter = async () => {
    const before = token.value;
    setToken(value.trim());
    try {
      await learnPermissions();
      change(value.trim());
      close();
    } catch (failure) {
      setToken(before);
      setProblem(failure instanceof Error ? failure.message : String(failure));
    }
  };
  return (
    <Dialog title="Log in" close={close}>
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          if (value.trim()) void enter();
        }}
      >
        <h2>Log in</h2>
        <p class="muted">
          {token.value === null ? "This server asks who you are." : "Your token is not accepted, or not any more."} A
          token is kept until you close this tab.
        </p>
        <label>
          Token
          <input
            class="field mono"
            type="password"
            autocomplete="off"
            spellcheck={false}
            autoFocus
            value={value}
            onInput={(event) => setValue(event.currentTarget.value)}
          />
        </label>
        {problem !== null && (
          <p class="alert" role="alert">
            {problem}
          </p>
        )}
        <p class="muted hint">
          Whoever runs the server makes one with <code>execgraph token create --name you --role viewer</code>
        </p>
        <div class="actions">
          <button type="button" class="button" onClick={close}>
            Not now
          </button>
          <button type="submit" class="button primary">
            Log in
          </button>
        </div>
      </form>
    </Dialog>
  );
}
