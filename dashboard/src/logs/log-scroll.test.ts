import { describe, expect, it } from "vitest";
import { LogScroll } from "./log-scroll";

describe("scrolling over lines", () => {
  it("draws those in sight and some beyond", () => {
    const scroll = new LogScroll(1_000, 20, 400);
    expect(scroll.height).toBe(20_000);
    expect(scroll.drawn(0, 5)).toEqual([0, 25]);
    expect(scroll.drawn(2_010, 5)).toEqual([95, 126]);
    expect(scroll.drawn(scroll.last, 5)).toEqual([975, 1_000]);
    expect(scroll.place(100, 2_000)).toBe(2_000);
  });

  it("of which there are few needs no scroll bar", () => {
    const scroll = new LogScroll(3, 20, 400);
    expect([scroll.last, scroll.drawn(0, 5)]).toEqual([0, [0, 3]]);
    expect(new LogScroll(0, 20, 400).drawn(0, 5)).toEqual([0, 0]);
  });

  it("that are more than a browser can scroll over reaches each of them", () => {
    const scroll = new LogScroll(10_000_000, 20, 400);
    expect(scroll.height).toBe(15_000_000);
    for (const index of [0, 1, 12_345, 5_000_000, 9_999_900]) {
      const top = scroll.topOf(index);
      expect(scroll.first(top)).toBeCloseTo(index, 3);
      expect(scroll.place(index, top)).toBeCloseTo(top, 3);
    }
    const [, to] = scroll.drawn(scroll.last, 0);
    expect(to).toBe(10_000_000);
    expect(scroll.place(9_999_999, scroll.last) - scroll.last).toBeCloseTo(380, 3);
  });

  it("puts a line in the middle, or as near to it as the ends allow", () => {
    const scroll = new LogScroll(1_000, 20, 400);
    expect(scroll.middleOf(500)).toBe(500 * 20 - 190);
    expect(scroll.middleOf(0)).toBe(0);
    expect(scroll.middleOf(999)).toBe(scroll.last);
  });
});
