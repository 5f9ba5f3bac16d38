/** A stretch of time in milliseconds, and where on a track things lie in it. */
export class Scale {
  constructor(
    readonly start: number,
    readonly end: number,
  ) {}

  get length(): number {
    return Math.max(1, this.end - this.start);
  }

  /** Where an instant lies, from 0 to 1; beyond them if it is outside. */
  at(time: number): number {
    return (time - this.start) / this.length;
  }

  timeAt(fraction: number): number {
    return this.start + fraction * this.length;
  }
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((count) => count * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((count) => count * MINUTE),
  ...[1, 2, 3, 6, 12].map((count) => count * HOUR),
  ...[1, 2, 7, 14, 30, 90, 365].map((count) => count * DAY),
];

export interface Tick {
  /** From 0 to 1. */
  readonly at: number;
  readonly label: string;
}

/** Marks at round distances from `origin`, the beginning of the run, at most about `most`. */
export function ticks(scale: Scale, origin: number, most: number): readonly Tick[] {
  const step = STEPS.find((candidate) => scale.length / candidate <= Math.max(1, most)) ?? 1_000 * DAY;
  const found: Tick[] = [];
  for (let offset = Math.ceil((scale.start - origin) / step) * step; origin + offset <= scale.end; offset += step)
    found.push({ at: scale.at(origin + offset), label: offsetLabel(offset, step) });
  return found;
}

function offsetLabel(milliseconds: number, step: number): string {
  const sign = milliseconds < 0 ? "-" : "";
  const offset = Math.abs(milliseconds);
  if (offset === 0) return "0";
  if (step >= DAY || offset >= 3 * DAY) return `${sign}${trim(offset / DAY)} d`;
  if (offset >= HOUR) {
    const rest = Math.round((offset % HOUR) / MINUTE);
    return `${sign}${Math.floor(offset / HOUR)} h${rest ? ` ${rest} min` : ""}`;
  }
  if (offset >= MINUTE) {
    const rest = trim((offset % MINUTE) / SECOND);
    return `${sign}${Math.floor(offset / MINUTE)} min${rest === "0" ? "" : ` ${rest} s`}`;
  }
  return offset >= SECOND ? `${sign}${trim(offset / SECOND)} s` : `${sign}${trim(offset)} ms`;
}

function trim(value: number): string {
  return String(Number(value.toFixed(3)));
}
