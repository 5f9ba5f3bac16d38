import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import { Dialog } from "./dialog";

interface ConfirmProps {
  readonly title: string;
  readonly confirm: string;
  readonly dismiss: string;
  readonly danger?: boolean;
  readonly close: () => void;
  /** Do it, and say why it was refused, or null. The key makes a repetition after a lost answer harmless. */
  readonly act: (idempotencyKey: string) => Promise<string | null>;
  readonly children: ComponentChildren;
}

/** Ask before something is done that others notice. */
export function Confirm({ title, confirm, dismiss, danger = false, close, act, children }: ConfirmProps) {
  const key = useMemo(randomKey, []);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const go = async () => {
    setBusy(true);
    setProblem(null);
    try {
      const refused = await act(key);
      if (refused === null) close();
      else setProblem(refused);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} close={close}>
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          if (!busy) void go();
        }}
      >
        <h2>{title}</h2>
        {children}
        {problem !== null && (
          <p class="alert" role="alert">
            {problem}
          </p>
        )}
        <div class="actions">
          <button type="button" class="button" onClick={close} autoFocus>
            {dismiss}
          </button>
          <button type="submit" class={`button primary ${danger ? "danger" : ""}`} disabled={busy}>
            {busy ? "One moment…" : confirm}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16)); // randomUUID is there over HTTPS and on localhost only
  return `dashboard-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
