import type { ExecutionLogFilter, LogLevel } from "../api/generated";

export const LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR"] as const;

/** Which entries of a run's log are looked at: what the address bar says. */
export interface LogView {
  readonly level: LogLevel | null;
  readonly search: string;
  readonly step: string | null;
  readonly attempt: number | null;
  /** The entry a link points at. */
  readonly line: number | null;
}

export function parseLogView(search: string): LogView {
  const parameters = new URLSearchParams(search);
  const level = (parameters.get("level") ?? "").toUpperCase();
  const natural = (name: string) => {
    const value = Number(parameters.get(name) ?? 0);
    return Number.isSafeInteger(value) && value > 0 && value < 2 ** 31 ? value : null;
  };
  const step = parameters.get("step");
  return {
    level: LEVELS.find((known) => known === level && known !== "DEBUG") ?? null,
    search: (parameters.get("q") ?? "").trim(),
    step: step && /^[0-9a-f-]{36}$/i.test(step) ? step : null,
    attempt: natural("attempt"),
    line: natural("line"),
  };
}

/** What to ask the API for; null is everything, in which any line can be found by its number. */
export function toLogFilter(view: LogView): ExecutionLogFilter | null {
  const filter: ExecutionLogFilter = {};
  if (view.level) filter.minLevel = view.level;
  if (view.search) filter.search = view.search;
  if (view.step) filter.nodeExecutionIds = [view.step];
  if (view.attempt !== null) filter.attempt = view.attempt;
  return Object.keys(filter).length ? filter : null;
}
