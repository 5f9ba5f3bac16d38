import { Graph as DagreGraph, layout } from "@dagrejs/dagre";
import type { Graph } from "./graph";

export const BOX_WIDTH = 210;
export const BOX_HEIGHT = 40;
const MARGIN = 24;

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** The upper left corner of each box. */
  readonly places: ReadonlyMap<string, { readonly x: number; readonly y: number }>;
  /** The edges as SVG paths. */
  readonly paths: readonly { readonly from: string; readonly to: string; readonly d: string }[];
}

/** Where the boxes of a graph go, from left to right or from top to bottom. */
export function layOut(graph: Graph, direction: "LR" | "TB"): Layout {
  const dagre = new DagreGraph();
  const wide = direction === "LR";
  dagre.setGraph({
    rankdir: direction,
    nodesep: wide ? 14 : 20,
    ranksep: wide ? 56 : 40,
    marginx: MARGIN,
    marginy: MARGIN,
    ranker: "tight-tree",
  });
  dagre.setDefaultEdgeLabel(() => ({}));
  for (const { id } of graph.boxes) dagre.setNode(id, { width: BOX_WIDTH, height: BOX_HEIGHT });
  for (const [from, to] of graph.edges) dagre.setEdge(from, to);
  layout(dagre);
  const places = new Map(
    graph.boxes.map(({ id }) => {
      const { x, y } = dagre.node(id) as { x: number; y: number };
      return [id, { x: x - BOX_WIDTH / 2, y: y - BOX_HEIGHT / 2 }];
    }),
  );
  const paths = graph.edges.map(([from, to]) => {
    const { points } = dagre.edge(from, to) as { points: { x: number; y: number }[] };
    const [source, target] = [places.get(from)!, places.get(to)!];
    const start = wide ? { x: BOX_WIDTH, y: BOX_HEIGHT / 2 } : { x: BOX_WIDTH / 2, y: BOX_HEIGHT };
    const end = wide ? { x: 0, y: BOX_HEIGHT / 2 } : { x: BOX_WIDTH / 2, y: 0 };
    const ends = [shifted(source, start), ...points.slice(1, -1), shifted(target, end)];
    return { from, to, d: curve(ends, wide) };
  });
  const { width = 0, height = 0 } = dagre.graph() as { width?: number; height?: number };
  return { width, height, places, paths };
}

function shifted(corner: { x: number; y: number }, by: { x: number; y: number }) {
  return { x: corner.x + by.x, y: corner.y + by.y };
}

/** A smooth line through points that leaves and arrives along the direction of the layout. */
function curve(points: readonly { x: number; y: number }[], wide: boolean): string {
  const [first, ...rest] = points;
  if (!first) return "";
  let from = first;
  return rest.reduce(
    (path, to) => {
      const middle = wide ? (from.x + to.x) / 2 : (from.y + to.y) / 2;
      const bend = wide
        ? `${r(middle)} ${r(from.y)} ${r(middle)} ${r(to.y)}`
        : `${r(from.x)} ${r(middle)} ${r(to.x)} ${r(middle)}`;
      from = to;
      return `${path}C${bend} ${r(to.x)} ${r(to.y)}`;
    },
    `M${r(first.x)} ${r(first.y)}`,
  );
}

function r(value: number): number {
  return Math.round(value * 10) / 10;
}
