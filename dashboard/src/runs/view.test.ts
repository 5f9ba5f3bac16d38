import { describe, expect, it } from "vitest";
import { EVERYTHING, formatView, isFiltered, parseView, toFilter } from "./view";

const ID = "018f0000-0000-7000-8000-000000000000";

describe("the address of a list of runs", () => {
  it("says nothing of what goes without saying", () => {
    expect(formatView(EVERYTHING)).toBe("");
    expect(parseView("")).toEqual(EVERYTHING);
  });

  it("reads back as it was written", () => {
    const address =
      `q=disk+full&status=running,failed&trigger=event&workflow=${ID}&ns=a,b&retryOf=${ID}` +
      "&errors=1&min=60&range=7d&order=duration-asc";
    expect(formatView(parseView(`?${address}`))).toBe(address);
    expect(parseView(address)).toEqual({
      search: "disk full",
      status: ["RUNNING", "FAILED"],
      trigger: ["EVENT"],
      workflows: [ID],
      namespaces: ["a", "b"],
      retryOf: [ID],
      errors: true,
      minSeconds: 60,
      range: "7d",
      since: null,
      until: null,
      order: { field: "DURATION", direction: "ASC" },
    });
  });

  it("keeps a time of its own, in UTC", () => {
    expect(formatView(parseView("since=2026-01-02T03:04:05%2B01:00"))).toBe("since=2026-01-02T02:04:05.000Z");
  });

  it.each([
    "status=skipped,nonsense",
    "trigger=x",
    "workflow=1",
    "min=-1",
    "min=x",
    "range=constructor",
    "since=soon",
    "order=name",
    "errors=2",
  ])("leaves out what makes no sense: %s", (address) => {
    expect(parseView(address)).toEqual(EVERYTHING);
  });

  it("knows a filtered view from one that is only ordered", () => {
    expect(isFiltered(parseView("order=duration-asc"))).toBe(false);
    expect(isFiltered(parseView("errors=1"))).toBe(true);
  });
});

describe("the filter of a view", () => {
  it("asks for nothing that was not chosen", () => {
    expect(toFilter(EVERYTHING, 0)).toEqual({});
  });

  it("counts a range back from now", () => {
    const now = Date.parse("2026-01-02T00:00:00Z");
    expect(toFilter(parseView("range=24h&since=2020-01-01"), now)).toEqual({
      createdSince: "2026-01-01T00:00:00.000Z",
    });
  });

  it("says all that was chosen", () => {
    const view = parseView("q=x&status=failed&errors=1&min=2.5&since=2026-01-01T00:00Z&until=2026-01-02T00:00Z");
    expect(toFilter(view, 0)).toEqual({
      search: "x",
      status: ["FAILED"],
      hasErrors: true,
      minDurationSeconds: 2.5,
      createdSince: "2026-01-01T00:00:00.000Z",
      createdUntil: "2026-01-02T00:00:00.000Z",
    });
  });
});
