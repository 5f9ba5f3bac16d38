import { describe, expect, it } from "vitest";
import { FilteredLog, type Line, PAGE, WholeLog } from "./log-lines";

function line(sequence: number): Line {
  return { sequence } as Line;
}

function lines(from: number, to: number): Line[] {
  return Array.from({ length: to - from + 1 }, (_, index) => line(from + index));
}

describe("a whole log", () => {
  it("asks for the pages in sight, and not for those it has", () => {
    const log = new WholeLog();
    log.grow(1_000_000);
    expect(log.missing(500_000, 500_040)).toEqual([[500_001, 500_250]]);
    log.put(lines(500_001, 500_250));
    expect(log.missing(500_000, 500_040)).toEqual([]);
    expect(log.missing(500_240, 500_260)).toEqual([[500_251, 500_500]]);
    expect(log.lineAt(500_007)?.sequence).toBe(500_008);
    expect(log.lineAt(3)).toBeUndefined();
  });

  it("asks again for a page of which it has only a part", () => {
    const log = new WholeLog();
    log.grow(300);
    log.put(lines(290, 300));
    expect(log.missing(260, 300)).toEqual([[251, 300]]);
  });

  it("holds no more than what was looked at last", () => {
    const log = new WholeLog();
    log.grow(1_000_000);
    for (let page = 0; page < 400; page++) log.put(lines(page * PAGE + 1, page * PAGE + PAGE));
    expect(log.lineAt(0)).toBeUndefined();
    expect(log.lineAt(399 * PAGE)).toBeDefined();
    let held = 0;
    for (let index = 0; index < 400 * PAGE; index++) if (log.lineAt(index)) held++;
    expect(held).toBe(40 * PAGE);
  });

  it("does not shrink when an old answer comes late", () => {
    const log = new WholeLog();
    log.grow(10);
    log.grow(7);
    expect(log.count).toBe(10);
    expect([log.indexOf(10), log.indexOf(11), log.indexOf(0)]).toEqual([9, -1, -1]);
  });
});

describe("a filtered log", () => {
  const page = (from: number[], hasPreviousPage: boolean, hasNextPage: boolean) => ({
    nodes: from.map(line),
    pageInfo: { hasPreviousPage, hasNextPage, startCursor: `s${from[0]}`, endCursor: `e${from.at(-1)}` },
  });

  it("grows at both ends", () => {
    const log = new FilteredLog();
    log.after(page([50, 60], true, true));
    log.before(page([10, 40], false, true));
    log.after(page([70], true, false));
    expect(log.lines.map(({ sequence }) => sequence)).toEqual([10, 40, 50, 60, 70]);
    expect([log.start, log.end, log.hasBefore, log.hasAfter]).toEqual(["s10", "e70", false, false]);
  });

  it("takes each entry that arrives once", () => {
    const log = new FilteredLog();
    log.after(page([50, 60], false, false));
    log.put([line(60), line(61)]);
    log.put([line(61), line(75)]);
    expect(log.lines.map(({ sequence }) => sequence)).toEqual([50, 60, 61, 75]);
  });

  it("finds an entry, or the next one that is there", () => {
    const log = new FilteredLog();
    log.after(page([50, 60, 70], false, false));
    expect([log.indexOf(60), log.indexOf(61), log.indexOf(1), log.indexOf(99)]).toEqual([1, 2, 0, 2]);
    expect(new FilteredLog().indexOf(1)).toBe(-1);
  });
});
