import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { Dialog } from "./dialog";

const helping = signal(false);

export function showKeys(): void {
  helping.value = true;
}

/** Do something on keys, unless somebody is writing or a dialog is open. */
export function useKeys(bindings: Record<string, (event: KeyboardEvent) => void>): void {
  const latest = useRef(bindings);
  latest.current = bindings;
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target as HTMLElement;
      if (document.querySelector("dialog[open]")) return;
      if (target.closest("input, textarea, select, [contenteditable]") && event.key !== "Escape") return;
      const { current } = latest;
      const binding = Object.hasOwn(current, event.key) ? current[event.key] : undefined;
      if (binding) {
        event.preventDefault();
        binding(event);
      }
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, []);
}

const HELP: readonly [string, readonly [string, string][]][] = [
  [
    "Everywhere",
    [
      ["?", "show these keys"],
      ["/", "search"],
      ["h", "back to the runs"],
      ["Esc", "close, or leave a field"],
    ],
  ],
  [
    "Runs and steps",
    [
      ["j k ↑ ↓", "go down, up"],
      ["Enter", "open"],
      ["← →", "fold, unfold a step"],
    ],
  ],
  ["A run", [["1 2 3 4", "timeline, graph, logs, data"]]],
  [
    "Logs",
    [
      ["f", "follow the end"],
      ["e E", "next, previous error"],
      ["g G", "beginning, end"],
      ["Enter", "show all of an entry"],
    ],
  ],
];

export function KeysDialog() {
  if (!helping.value) return null;
  return (
    <Dialog title="Keys" close={() => (helping.value = false)}>
      <form method="dialog" class="keys">
        {HELP.map(([where, keys]) => (
          <section key={where}>
            <h2>{where}</h2>
            <dl>
              {keys.map(([key, what]) => (
                <div key={key}>
                  <dt>
                    {key.split(" ").map((one) => (
                      <kbd key={one}>{one}</kbd>
                    ))}
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <div class="actions">
          <button type="submit" class="button">
            Close
          </button>
        </div>
      </form>
    </Dialog>
  );
}
