import { describe, expect, it } from "vitest";
import type { StepRowFragment } from "../api/generated";
import { depthsOf, groupedGraph, kindOf, plainGraph, statesOf } from "./graph";
import { layOut } from "./graph-layout";

function definition(names: Record<string, string>, ...edges: [string, string][]) {
  return {
    version: 1,
    nodes: Object.entries(names).map(([id, name]) => ({ id, name, key: id, nodeType: null })),
    dependencies: edges.map(([sourceNodeId, targetNodeId]) => ({ sourceNodeId, targetNodeId })),
  };
}

const DIAMOND = definition(
  { s: "split", a: "align_ID0001", b: "align_ID0002", m: "merge" },
  ...([
    ["s", "a"],
    ["s", "b"],
    ["a", "m"],
    ["b", "m"],
  ] as [string, string][]),
);

describe("the graph of a definition", () => {
  it("has a box for each step", () => {
    expect(plainGraph(DIAMOND).boxes.map(({ label }) => label)).toEqual([
      "split",
      "align_ID0001",
      "align_ID0002",
      "merge",
    ]);
  });

  it("can have steps that are alike in one box", () => {
    const { boxes, edges } = groupedGraph(DIAMOND);
    expect(boxes.map(({ label, nodeIds }) => [label, nodeIds.join()])).toEqual([
      ["split", "s"],
      ["align", "a,b"],
      ["merge", "m"],
    ]);
    expect(edges).toHaveLength(2);
  });

  it("has one box for each depth where kinds are too many", () => {
    expect(groupedGraph(DIAMOND, 2).boxes.map(({ nodeIds }) => nodeIds.length)).toEqual([1, 2, 1]);
  });

  it("knows how deep each step is", () => {
    expect(Object.fromEntries(depthsOf(DIAMOND))).toEqual({ s: 0, a: 1, b: 1, m: 2 });
  });

  it("is laid out from left to right", () => {
    const { places, paths } = layOut(plainGraph(DIAMOND), "LR");
    const x = (id: string) => places.get(id)!.x;
    expect(x("s")).toBeLessThan(x("a"));
    expect(x("a")).toBe(x("b"));
    expect(x("b")).toBeLessThan(x("m"));
    expect(paths).toHaveLength(4);
  });

  it.each([
    ["mProject_ID0000001", "mProject"],
    ["blastall ID 12", "blastall"],
    ["chunk-07 of 12", "chunk# of"],
    ["STAR_ALIGN", "STAR_ALIGN"],
    ["42", "42"],
  ])("tells the kind of %s", (name, kind) => {
    expect(kindOf(name)).toBe(kind);
  });
});

describe("the state of a box", () => {
  it("is that of the step which deserves attention first", () => {
    const step = (id: string, nodeId: string | null, status: string) => ({ id, nodeId, status }) as StepRowFragment;
    const steps = [
      step("1", "a", "COMPLETED"),
      step("2", "b", "FAILED"),
      step("3", "s", "RUNNING"),
      step("4", null, "FAILED"),
    ];
    const states = statesOf(groupedGraph(DIAMOND), steps);
    expect([...states.values()].map(({ status, counts }) => [status, counts])).toEqual([
      ["RUNNING", { RUNNING: 1 }],
      ["FAILED", { COMPLETED: 1, FAILED: 1 }],
      [null, {}],
    ]);
  });
});
