import type { StatsBucket } from "../api/generated";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Buckets for a length of time in milliseconds that make a chart of at most a few hundred bars. */
export function bucketFor(length: number): StatsBucket {
  if (length <= 3 * HOUR) return "MINUTE";
  if (length <= 8 * DAY) return "HOUR";
  if (length <= 400 * DAY) return "DAY";
  return "WEEK";
}

export const BUCKET_NAMES: Record<StatsBucket, string> = { MINUTE: "minute", HOUR: "hour", DAY: "day", WEEK: "week" };

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const dayAndYear = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", year: "numeric" });

/** What a mark of the time axis says, in local time. */
export function axisLabel(seconds: number, bucket: StatsBucket): string {
  const time = new Date(seconds * 1_000);
  if (bucket === "DAY" || bucket === "WEEK") return day.format(time);
  return time.getHours() === 0 && time.getMinutes() === 0 ? day.format(time) : clock.format(time);
}

/** What a bucket is called. */
export function bucketLabel(start: string, end: string, bucket: StatsBucket): string {
  const [from, to] = [new Date(start), new Date(end)];
  if (bucket === "DAY") return dayAndYear.format(from);
  if (bucket === "WEEK") return `Week of ${dayAndYear.format(from)}`;
  const until = bucket === "HOUR" ? `–${clock.format(to)}` : "";
  return `${day.format(from)}, ${clock.format(from)}${until}`;
}
