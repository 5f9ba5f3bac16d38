import { now } from "../api/clock";
import { formatDuration, formatTicking, formatTime, formatUtc } from "./format";

/** An instant in local time; UTC on hover. */
export function Time({ value, empty = "–" }: { value: string | null; empty?: string }) {
  if (value === null) return <span class="muted">{empty}</span>;
  return (
    <time class="num" dateTime={value} title={formatUtc(value)}>
      {formatTime(value, now.peek())}
    </time>
  );
}

interface Lasting {
  readonly startedAt: string | null;
  readonly endedAt: string | null;
  readonly durationSeconds: number | null;
}

/** How long something took; ticking while it goes on. */
export function Duration({ of }: { of: Lasting }) {
  if (of.durationSeconds !== null) return <span class="num">{formatDuration(of.durationSeconds)}</span>;
  if (of.startedAt === null || of.endedAt !== null) return <span class="muted">–</span>;
  return <Ticking since={of.startedAt} />;
}

function Ticking({ since }: { since: string }) {
  return (
    <span class="num ticking" role="timer" aria-label="Running for">
      {formatTicking((now.value - Date.parse(since)) / 1_000)}
    </span>
  );
}
