import type { ExecutionStatus, StepRowFragment } from "../api/generated";
import type { Definition } from "./run-model";

/** What is drawn as one box: a step of the definition, or several alike at the same depth. */
export interface Box {
  readonly id: string;
  readonly label: string;
  readonly nodeIds: readonly string[];
}

export interface Graph {
  readonly boxes: readonly Box[];
  readonly edges: readonly (readonly [from: string, to: string])[];
}

/** More boxes than this are too many to lay out and to look at. */
export const MOST_BOXES = 250;

/** The definition as it is, a box for each step. */
export function plainGraph({ nodes, dependencies }: Definition): Graph {
  const ids = new Set(nodes.map(({ id }) => id));
  return {
    boxes: nodes.map(({ id, name }) => ({ id, label: name, nodeIds: [id] })),
    edges: dependencies
      .filter(({ sourceNodeId, targetNodeId }) => ids.has(sourceNodeId) && ids.has(targetNodeId))
      .map(({ sourceNodeId, targetNodeId }) => [sourceNodeId, targetNodeId] as const),
  };
}

/**
 * The definition with steps that are alike in one box: those at the same depth whose names differ in numbers only.
 * Where these are still too many, one box for each depth.
 */
export function groupedGraph(definition: Definition, most = MOST_BOXES): Graph {
  const depths = depthsOf(definition);
  const byKind = collect(definition, (id, name) => `${depths.get(id)} ${kindOf(name)}`);
  return byKind.boxes.length <= most ? byKind : collect(definition, (id) => `${depths.get(id)}`);
}

/** A name without what numbers it: "align_ID0000012" is an "align". */
export function kindOf(name: string): string {
  const kind = name
    .replace(/[\s_.:#-]*(?:\bid)?[\s_:#-]*\d+/gi, "#")
    .replace(/_id#/gi, "#")
    .replace(/#+/g, "#");
  return kind.replace(/^#|#$/g, "").trim() || name;
}

function collect({ nodes, dependencies }: Definition, groupOf: (id: string, name: string) => string): Graph {
  const groups = new Map<string, { nodeIds: string[]; names: string[] }>();
  const owner = new Map<string, string>();
  for (const { id, name } of nodes) {
    const group = groupOf(id, name);
    owner.set(id, group);
    const { nodeIds, names } = groups.get(group) ?? { nodeIds: [], names: [] };
    nodeIds.push(id);
    names.push(name);
    groups.set(group, { nodeIds, names });
  }
  const edges = new Map<string, readonly [string, string]>();
  for (const { sourceNodeId, targetNodeId } of dependencies) {
    const [from, to] = [owner.get(sourceNodeId), owner.get(targetNodeId)];
    if (from !== undefined && to !== undefined && from !== to) edges.set(`${from}\n${to}`, [from, to]);
  }
  const boxes = [...groups].map(([id, { nodeIds, names }]) => ({ id, nodeIds, label: labelOf(names) }));
  return { boxes, edges: [...edges.values()] };
}

function labelOf(names: readonly string[]): string {
  if (names.length === 1) return names[0]!;
  const kinds = [...new Set(names.map(kindOf))];
  return kinds.length === 1
    ? kinds[0]!.replaceAll("#", "…")
    : `${kinds.slice(0, 2).join(", ")}${kinds.length > 2 ? ", …" : ""}`;
}

/** How many steps lie on the longest way to each step. */
export function depthsOf({ nodes, dependencies }: Definition): ReadonlyMap<string, number> {
  const waiting = new Map(nodes.map(({ id }) => [id, 0]));
  const targets = new Map<string, string[]>();
  for (const { sourceNodeId, targetNodeId } of dependencies) {
    if (!waiting.has(sourceNodeId) || !waiting.has(targetNodeId)) continue;
    waiting.set(targetNodeId, waiting.get(targetNodeId)! + 1);
    targets.set(sourceNodeId, [...(targets.get(sourceNodeId) ?? []), targetNodeId]);
  }
  const depths = new Map<string, number>();
  const ready = nodes.filter(({ id }) => waiting.get(id) === 0).map(({ id }) => id);
  for (const id of ready) depths.set(id, 0);
  for (let index = 0; index < ready.length; index++) {
    const id = ready[index]!;
    for (const target of targets.get(id) ?? []) {
      depths.set(target, Math.max(depths.get(target) ?? 0, depths.get(id)! + 1));
      const left = waiting.get(target)! - 1;
      waiting.set(target, left);
      if (left === 0) ready.push(target);
    }
  }
  return depths;
}

export type Counts = Partial<Record<ExecutionStatus, number>>;

/** What deserves to be seen first when a box stands for several steps. */
const PRIORITY: readonly ExecutionStatus[] = ["FAILED", "RUNNING", "PENDING", "CANCELLED", "COMPLETED", "SKIPPED"];

export interface BoxState {
  readonly status: ExecutionStatus | null;
  readonly counts: Counts;
  readonly steps: readonly StepRowFragment[];
}

/** What became of the steps of each box. */
export function statesOf(graph: Graph, steps: Iterable<StepRowFragment>): ReadonlyMap<string, BoxState> {
  const owner = new Map<string, string>();
  for (const { id, nodeIds } of graph.boxes) for (const nodeId of nodeIds) owner.set(nodeId, id);
  const found = new Map<string, StepRowFragment[]>(graph.boxes.map(({ id }) => [id, []]));
  for (const step of steps) {
    const box = step.nodeId === null ? undefined : owner.get(step.nodeId);
    if (box !== undefined) found.get(box)!.push(step);
  }
  return new Map(
    [...found].map(([id, own]) => {
      const counts: Counts = {};
      for (const { status } of own) counts[status] = (counts[status] ?? 0) + 1;
      const status = PRIORITY.find((candidate) => counts[candidate]) ?? null;
      return [id, { status, counts, steps: own }];
    }),
  );
}
