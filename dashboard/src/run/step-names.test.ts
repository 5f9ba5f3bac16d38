import { expect, it } from "vitest";
import { commonPrefix, lastPart, shortened } from "./step-names";

it("finds the whole parts that all names have in front", () => {
  expect(commonPrefix(["A.B.load", "A.B.list", "A.B.x.y"])).toBe("A.B.");
  expect(commonPrefix(["load", "list"])).toBe("");
  expect(commonPrefix(["A.B", "A.B"])).toBe("");
  expect(commonPrefix([])).toBe("");
});

it("never shortens a name to nothing", () => {
  expect(shortened("A.B.load", "A.B.")).toBe("load");
  expect(shortened("A.B.", "A.B.")).toBe("A.B.");
});

it("shows the last part of a long name", () => {
  expect(lastPart("short.name")).toBe("short.name");
  expect(lastPart("INPUT_CHECK_OF_ALL.SAMPLESHEET_CHECK")).toBe("SAMPLESHEET_CHECK");
});
