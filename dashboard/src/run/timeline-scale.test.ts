import { describe, expect, it } from "vitest";
import { Scale, ticks } from "./timeline-scale";

describe("the time axis", () => {
  it("has marks at round distances from the beginning of the run", () => {
    expect(ticks(new Scale(5_000, 15_000), 5_000, 6)).toEqual([
      { at: 0, label: "0" },
      { at: 0.2, label: "2 s" },
      { at: 0.4, label: "4 s" },
      { at: 0.6, label: "6 s" },
      { at: 0.8, label: "8 s" },
      { at: 1, label: "10 s" },
    ]);
  });

  it.each([
    [90_000, ["0", "30 s", "1 min", "1 min 30 s"]],
    [3 * 3_600_000, ["0", "1 h", "2 h", "3 h"]],
    [0.004, ["0"]],
    [4 * 86_400_000, ["0", "2 d", "4 d"]],
  ])("says %d ms in the units people use", (length, labels) => {
    expect(ticks(new Scale(0, length), 0, 3).map(({ label }) => label)).toEqual(labels);
  });

  it("keeps its distances from the beginning when one looks closer", () => {
    expect(ticks(new Scale(61_000, 63_000), 0, 2).map(({ label }) => label)).toEqual([
      "1 min 1 s",
      "1 min 2 s",
      "1 min 3 s",
    ]);
  });
});
