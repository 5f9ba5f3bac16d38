import { useState } from "preact/hooks";
import { Copyable } from "./copyable";

const MOST = 20_000;

/** A JSON value, indented, with its strings, numbers and names told apart. */
export function Json({ value, label }: { value: unknown; label: string }) {
  const [all, setAll] = useState(false);
  const text = JSON.stringify(value, null, 2);
  const shown = all ? text : text.slice(0, MOST);
  return (
    <div class="json">
      <pre tabIndex={0} role="group" aria-label={label}>
        {colour(shown)}
      </pre>
      {shown.length < text.length && (
        <button type="button" class="button" onClick={() => setAll(true)}>
          Show all {Math.ceil(text.length / 1024).toLocaleString("en")} kB
        </button>
      )}
      <Copyable text={text} shown="Copy" label="Copy as JSON" />
    </div>
  );
}

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

function colour(text: string) {
  const parts = [];
  let last = 0;
  for (const found of text.matchAll(TOKEN)) {
    if (found.index > last) parts.push(text.slice(last, found.index));
    const [whole, quoted, colon] = found;
    const kind = colon ? "name" : quoted ? "string" : "literal";
    parts.push(<span class={`json-${kind}`}>{colon ? quoted : whole}</span>, colon ?? "");
    last = found.index + whole.length;
  }
  parts.push(text.slice(last));
  return parts;
}
