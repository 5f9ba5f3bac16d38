/** Seconds as people say them, always with the two most telling units. */
export function formatDuration(seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) return "–";
  const total = Math.max(0, seconds);
  if (total < 0.9995) return `${Math.round(total * 1_000)} ms`;
  if (total < 9.995) return `${total.toFixed(2)} s`;
  if (total < 59.95) return `${total.toFixed(1)} s`;
  const whole = Math.round(total);
  const [days, hours, minutes] = [
    Math.floor(whole / 86_400),
    Math.floor(whole / 3_600) % 24,
    Math.floor(whole / 60) % 60,
  ];
  const two = (value: number) => String(value).padStart(2, "0");
  if (days > 0) return `${days} d ${two(hours)} h`;
  if (hours > 0) return `${hours} h ${two(minutes)} min`;
  return `${minutes} min ${two(whole % 60)} s`;
}

/** A running duration: whole seconds, so that it ticks calmly. */
export function formatTicking(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return whole < 60 ? `${whole} s` : formatDuration(whole);
}

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const grouped = new Intl.NumberFormat("en");

export function formatCount(count: number): string {
  return count < 10_000 ? grouped.format(count) : compact.format(count);
}

export function formatExactCount(count: number): string {
  return grouped.format(count);
}

const today = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const thisYear = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});
const anyYear = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "2-digit",
  minute: "2-digit",
});

/** A local time; the day is left out when it is today, the year when it is this one. */
export function formatTime(iso: string, now: number): string {
  const [time, at] = [new Date(iso), new Date(now)];
  if (time.getFullYear() !== at.getFullYear()) return anyYear.format(time);
  return (time.toDateString() === at.toDateString() ? today : thisYear).format(time);
}

/** The same instant in UTC, to the millisecond. */
export function formatUtc(iso: string): string {
  return `${new Date(iso).toISOString().replace("T", " ").replace("Z", "")} UTC`;
}

/** The time of a log entry: to the millisecond. */
export function formatLogTime(iso: string): string {
  const time = new Date(iso);
  return `${today.format(time)}.${String(time.getMilliseconds()).padStart(3, "0")}`;
}

/** Enough of an id to tell it by; the time is in front in a UUIDv7, the chance is behind. */
export function shortId(id: string): string {
  return `${id.slice(0, 8)}…${id.slice(-4)}`;
}

/** "1 step", "2 steps". */
export function plural(count: number, noun: string): string {
  return `${formatExactCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}
