import { signal } from "@preact/signals";

/** How far the server's clock is ahead of ours, in milliseconds: running durations are counted in its time. */
let ahead = 0;

/** The server's time in milliseconds, anew every second. */
export const now = signal(Date.now());

export function serverNow(): number {
  return Date.now() + ahead;
}

/** Learn from a response's Date header, which counts whole seconds: smaller differences are none. */
export function learnClock(response: Response): void {
  const date = Date.parse(response.headers.get("date") ?? "");
  if (Number.isNaN(date)) return;
  const difference = date + 500 - Date.now();
  ahead = Math.abs(difference) > 3_000 ? difference : 0;
}

setInterval(() => {
  if (!document.hidden) now.value = serverNow();
}, 1_000);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) now.value = serverNow();
});
