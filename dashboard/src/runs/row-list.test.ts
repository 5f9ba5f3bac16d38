import { describe, expect, it } from "vitest";
import type { RunRowFragment } from "../api/generated";
import { RowList } from "./row-list";

const NEWEST = { field: "CREATED_AT", direction: "DESC" } as const;

function row(id: string, values: Partial<RunRowFragment> = {}): RunRowFragment {
  return { id, revision: 1, createdAt: `2026-01-01T00:00:0${id}+00:00`, ...values } as RunRowFragment;
}

function ids(list: RowList): string {
  return list.rows.map(({ id }) => id).join("");
}

describe("a list of runs that is kept in order", () => {
  it("puts new runs where they belong", () => {
    const list = new RowList(NEWEST);
    list.append([row("7"), row("5"), row("3")]);
    list.apply([row("8"), row("4")], [], true);
    expect(ids(list)).toBe("87543");
  });

  it("leaves what lies behind the last row to the pages to come", () => {
    const list = new RowList(NEWEST);
    list.append([row("7"), row("5")]);
    list.apply([row("2")], [], true);
    expect(ids(list)).toBe("75");
    list.apply([row("2")], [], false);
    expect(ids(list)).toBe("752");
  });

  it("takes out what left the list, and nothing else", () => {
    const list = new RowList(NEWEST);
    list.append([row("7"), row("5"), row("3")]);
    list.apply([], ["5", "unknown"], true);
    expect(ids(list)).toBe("73");
  });

  it("does not go back to an older state of a run", () => {
    const list = new RowList(NEWEST);
    list.append([row("7", { revision: 4, status: "COMPLETED" })]);
    list.apply([row("7", { revision: 3, status: "RUNNING" })], [], true);
    list.append([row("7", { revision: 2, status: "PENDING" })]);
    expect(list.rows).toEqual([row("7", { revision: 4, status: "COMPLETED" })]);
  });

  it("moves a run whose sort key changed; without one it is last, either way", () => {
    for (const direction of ["ASC", "DESC"] as const) {
      const list = new RowList({ field: "DURATION", direction });
      list.append([row("1", { durationSeconds: null }), row("2", { durationSeconds: 2 })]);
      list.append([row("3", { durationSeconds: 3 })]);
      expect(ids(list)).toBe(direction === "ASC" ? "231" : "321");
      list.apply([row("1", { durationSeconds: 9, revision: 2 })], [], false);
      expect(ids(list)).toBe(direction === "ASC" ? "231" : "132");
    }
  });

  it("decides by id between runs of the same instant", () => {
    const list = new RowList(NEWEST);
    const at = "2026-01-01T00:00:00+00:00";
    list.append(["2", "4", "3"].map((id) => row(id, { createdAt: at })));
    expect(ids(list)).toBe("432");
    expect(list.indexOf("3")).toBe(1);
  });

  it("sorts times with and without fractions of a second", () => {
    const list = new RowList(NEWEST);
    list.append([row("1", { createdAt: "2026-01-01T00:00:00+00:00" })]);
    list.append([row("2", { createdAt: "2026-01-01T00:00:00.000001+00:00" })]);
    expect(ids(list)).toBe("21");
  });
});
