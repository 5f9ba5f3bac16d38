import { signal } from "@preact/signals";
import { useState } from "preact/hooks";
import { whenUnauthenticated } from "./api/client";
import { disconnect } from "./api/live";
import { setToken, token } from "./api/session";
import { Dialog } from "./ui/dialog";

const asking = signal(false);
/** Counts the times somebody came or went: the pages begin anew then. */
export const sessions = signal(0);

export function askForToken(): void {
  asking.value = true;
}

whenUnauthenticated(askForToken);

export function leave(): void {
  begin(null);
}

function begin(value: string | null): void {
  setToken(value);
  disconnect();
  asking.value = false;
  sessions.value++;
}

export function LoginDialog() {
  const [value, setValue] = useState("");
  if (!asking.value) return null;
  return (
    <Dialog title="Log in" close={() => (asking.value = false)}>
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          if (value.trim()) begin(value.trim());
          setValue("");
        }}
      >
        <h2>Log in</h2>
        <p class="muted">
          {token.value === null ? "This server asks for a token." : "The server does not accept the token any more."} It
          is kept until you close this tab.
        </p>
        <label>
          Token
          <input
            class="field mono"
            type="password"
            autocomplete="current-password"
            spellcheck={false}
            value={value}
            onInput={(event) => setValue(event.currentTarget.value)}
          />
        </label>
        <p class="muted hint">
          An administrator makes one with <code>execgraph token</code>.
        </p>
        <div class="actions">
          <button type="button" class="button" onClick={() => (asking.value = false)}>
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
