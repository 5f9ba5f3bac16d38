import { stripAnsi } from "./ansi";
import type { Line } from "./log-lines";

export type Format = "text" | "ndjson";

/** Entries as lines of a file. */
export function linesOf(
  entries: readonly Line[],
  format: Format,
  stepName: (id: string) => string | undefined,
): string {
  return entries.map((entry) => `${format === "text" ? asText(entry, stepName) : JSON.stringify(entry)}\n`).join("");
}

function asText(entry: Line, stepName: (id: string) => string | undefined): string {
  const step = entry.nodeExecutionId ? ` [${stepName(entry.nodeExecutionId) ?? entry.nodeExecutionId}]` : "";
  const data = entry.data === null || entry.data === undefined ? "" : ` ${JSON.stringify(entry.data)}`;
  return `${entry.timestamp} ${entry.level.padEnd(7)}${step} ${stripAnsi(entry.message)}${data}`;
}

/** Hand a file to the reader. */
export function save(parts: readonly string[], name: string, format: Format): void {
  const type = format === "text" ? "text/plain;charset=utf-8" : "application/x-ndjson";
  const address = URL.createObjectURL(new Blob([...parts], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
