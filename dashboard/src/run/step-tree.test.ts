import { describe, expect, it } from "vitest";
import type { StepRowFragment } from "../api/generated";
import { buildTree, type TreeNode, visibleRows } from "./step-tree";

const ALL = { text: "", status: new Set<never>() };

function step(id: string, parentId: string | null = null, values: Partial<StepRowFragment> = {}): StepRowFragment {
  return { id, parentId, name: id, key: null, executionOrder: 1, status: "COMPLETED", ...values } as StepRowFragment;
}

function shape(nodes: readonly TreeNode[]): string {
  return nodes.map((node) => node.step.id + (node.children.length ? `(${shape(node.children)})` : "")).join(" ");
}

function shown(...args: Parameters<typeof visibleRows>): string {
  return visibleRows(...args)
    .map(({ node, depth }) => "-".repeat(depth) + node.step.id)
    .join(" ");
}

describe("the tree of steps", () => {
  it("nests steps by parent, each level in the engine's order, then by id", () => {
    const steps = [step("b", "a"), step("a"), step("d", "b"), step("c", "a"), step("z", null, { executionOrder: 0 })];
    expect(shape(buildTree(steps))).toBe("z a(b(d) c)");
  });

  it("shows a step whose parent is not there, or that is its own, at the top", () => {
    expect(shape(buildTree([step("a", "gone"), step("b", "b")]))).toBe("a b");
  });

  it("counts what is below, and says whether something failed there", () => {
    const [root] = buildTree([step("a"), step("b", "a"), step("c", "b", { status: "FAILED" })]);
    expect([root!.size, root!.failedBelow]).toEqual([2, true]);
  });
});

describe("the rows of the tree", () => {
  const tree = buildTree([step("a"), step("b", "a"), step("c", "b", { status: "FAILED", key: "Key:9" }), step("d")]);

  it("leave out what is folded", () => {
    expect(shown(tree, new Set(), ALL)).toBe("a -b --c d");
    expect(shown(tree, new Set(["b"]), ALL)).toBe("a -b d");
  });

  it("show with a filter what matches, and what leads there", () => {
    expect(shown(tree, new Set(["a"]), { ...ALL, status: new Set(["FAILED"]) })).toBe("a -b --c");
    expect(shown(tree, new Set(), { ...ALL, text: "KEY:9" })).toBe("a -b --c");
    expect(shown(tree, new Set(), { ...ALL, text: "nothing" })).toBe("");
  });
});
