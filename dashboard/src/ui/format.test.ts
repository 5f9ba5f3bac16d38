import { expect, it } from "vitest";
import { formatCount, formatDuration, formatTicking, formatUtc, shortId } from "./format";

it.each([
  [null, "–"],
  [0, "0 ms"],
  [0.0421, "42 ms"],
  [0.9996, "1.00 s"],
  [9.994, "9.99 s"],
  [9.996, "10.0 s"],
  [59.96, "1 min 00 s"],
  [125, "2 min 05 s"],
  [3_600, "1 h 00 min"],
  [7_384, "2 h 03 min"],
  [273_600, "3 d 04 h"],
  [-5, "0 ms"],
])("says a duration of %d seconds as %s", (seconds, words) => {
  expect(formatDuration(seconds)).toBe(words);
});

it("ticks in whole seconds", () => {
  expect([formatTicking(-1), formatTicking(12.9), formatTicking(61.9)]).toEqual(["0 s", "12 s", "1 min 01 s"]);
});

it("says large counts briefly", () => {
  expect([formatCount(9_999), formatCount(12_345), formatCount(1_234_567)]).toEqual(["9,999", "12.3K", "1.2M"]);
});

it("gives the time in UTC, whatever the offset", () => {
  expect(formatUtc("2026-01-02T03:04:05.678901+02:00")).toBe("2026-01-02 01:04:05.678 UTC");
});

it("shortens an id to what tells it from others", () => {
  expect(shortId("018f0000-0000-7000-8000-00000000abcd")).toBe("018f0000…abcd");
});
