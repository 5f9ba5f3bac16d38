import { useEffect, useState } from "preact/hooks";
import { Check, Copy } from "./icons";

/** Text to take along: a click copies it. */
export function Copyable({ text, shown = text, label = "Copy" }: { text: string; shown?: string; label?: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1_500);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <>
      <button
        type="button"
        class="copyable"
        aria-label={`${label}: ${shown}`}
        title={`${label}: ${text.slice(0, 200)}`}
        onClick={() =>
          navigator.clipboard.writeText(text).then(
            () => setCopied(true),
            () => {},
          )
        }
      >
        <span class="mono clip">{shown}</span>
        {copied ? <Check size={13} /> : <Copy size={13} />}
      </button>
      <span class="visually-hidden" role="status">
        {copied && "Copied"}
      </span>
    </>
  );
}
