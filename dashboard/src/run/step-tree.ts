import type { ExecutionStatus, StepRowFragment } from "../api/generated";

export interface TreeNode {
  readonly step: StepRowFragment;
  readonly children: readonly TreeNode[];
  /** Steps below, at any depth. */
  readonly size: number;
  /** Whether one below failed. */
  readonly failedBelow: boolean;
}

export interface TreeRow {
  readonly node: TreeNode;
  readonly depth: number;
}

/** The steps as a forest by parent, each level in the order of the engine. A step without its parent is a root. */
export function buildTree(steps: readonly StepRowFragment[]): readonly TreeNode[] {
  const ids = new Set(steps.map(({ id }) => id));
  const below = new Map<string | null, StepRowFragment[]>();
  for (const step of steps) {
    const parent = step.parentId !== null && ids.has(step.parentId) && step.parentId !== step.id ? step.parentId : null;
    const siblings = below.get(parent);
    if (siblings) siblings.push(step);
    else below.set(parent, [step]);
  }
  const grow = (parent: string | null): TreeNode[] =>
    (below.get(parent) ?? []).sort(inOrder).map((step) => {
      const children = grow(step.id);
      return {
        step,
        children,
        size: children.reduce((sum, child) => sum + child.size + 1, 0),
        failedBelow: children.some((child) => child.failedBelow || child.step.status === "FAILED"),
      };
    });
  return grow(null);
}

function inOrder(a: StepRowFragment, b: StepRowFragment): number {
  return a.executionOrder - b.executionOrder || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
}

export interface StepFilter {
  readonly text: string;
  readonly status: ReadonlySet<ExecutionStatus>;
}

/** The rows to show: what is folded is left out, and with a filter what does not match, unless something below does. */
export function visibleRows(
  tree: readonly TreeNode[],
  folded: ReadonlySet<string>,
  filter: StepFilter,
): readonly TreeRow[] {
  const rows: TreeRow[] = [];
  const text = filter.text.trim().toLowerCase();
  const filtering = text !== "" || filter.status.size > 0;
  const matches = ({ step }: TreeNode) =>
    (filter.status.size === 0 || filter.status.has(step.status)) &&
    (text === "" || step.name.toLowerCase().includes(text) || (step.key ?? "").toLowerCase().includes(text));
  const walk = (nodes: readonly TreeNode[], depth: number) => {
    for (const node of nodes) {
      const at = rows.length;
      rows.push({ node, depth });
      if (filtering || !folded.has(node.step.id)) walk(node.children, depth + 1);
      if (filtering && rows.length === at + 1 && !matches(node)) rows.pop();
    }
  };
  walk(tree, 0);
  return rows;
}
