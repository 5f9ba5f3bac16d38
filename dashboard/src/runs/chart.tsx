import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { StatsBucket } from "../api/generated";
import { colour, colours } from "../theme/theme";
import { axisLabel } from "./buckets";

export interface Series {
  readonly label: string;
  /** The custom property with its colour. */
  readonly color: string;
  readonly values: readonly (number | null)[];
}

interface ChartProps {
  readonly label: string;
  readonly kind: "bars" | "lines";
  /** Where the buckets begin, in seconds. */
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly bucket: StatsBucket;
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  readonly hover: (index: number | null) => void;
  readonly select: (from: number, to: number) => void;
}

/** A chart over time: stacked bars or lines, one value for each bucket. Dragging over it chooses a time. */
export function Chart(props: ChartProps) {
  const { label, kind, starts, bucket, series } = props;
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const shape = `${kind} ${bucket} ${series.map(({ label }) => label).join()} ${colours.value}`;

  useLayoutEffect(() => {
    const box = element.current!;
    const size = () => ({ width: Math.max(120, box.clientWidth), height: Math.max(60, box.clientHeight) });
    plot.current = new uPlot({ ...options(latest), ...size() }, data(latest.current), box);
    const observer = new ResizeObserver(() => plot.current?.setSize(size()));
    observer.observe(box);
    return () => {
      observer.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [shape]);
  useEffect(() => {
    plot.current?.setData(data(props));
  }, [starts, series]);
  return <div class="chart" ref={element} role="img" aria-label={label} />;
}

/** Stacked: each series is drawn from zero up to the sum of those below it, the highest first. */
function data({ kind, starts, ends, series }: ChartProps): uPlot.AlignedData {
  const middles = starts.map((start, index) => (start + ends[index]!) / 2);
  if (kind === "lines") return [middles, ...series.map(({ values }) => [...values])];
  const sums = starts.map(() => 0);
  const stacked = series.map(({ values }) => values.map((value, index) => (sums[index]! += value ?? 0)));
  return [middles, ...stacked.toReversed()];
}

function options(latest: { readonly current: ChartProps }): Omit<uPlot.Options, "width" | "height"> {
  const { kind, bucket, series, format } = latest.current;
  const [line, text] = [colour("--line"), colour("--muted")];
  const font = "11px system-ui, sans-serif";
  const bars = uPlot.paths.bars!({ size: [0.82, 40], radius: 0 });
  const drawn = kind === "bars" ? series.toReversed() : series;
  return {
    legend: { show: false },
    padding: [8, 6, 0, 0],
    cursor: { y: false, points: { show: kind === "lines" }, drag: { x: true, y: false, setScale: false } },
    scales: {
      x: { time: true, range: () => range(latest.current) },
      y: { range: (_, __, high) => [0, Math.max(high * 1.08, kind === "bars" ? 1 : 0.001)] },
    },
    axes: [
      {
        font,
        stroke: text,
        grid: { show: false },
        ticks: { show: false },
        size: 22,
        gap: 4,
        space: 64,
        values: (plot, splits) => splits.map((split) => (nearEdge(plot, split) ? "" : axisLabel(split, bucket))),
      },
      {
        font,
        stroke: text,
        grid: { stroke: line, width: 1 },
        ticks: { show: false },
        size: (_, values) => 14 + 6.4 * Math.max(1, ...(values ?? []).map((value) => value?.length ?? 0)),
        gap: 6,
        space: 34,
        incrs: kind === "bars" ? WHOLE : LENGTHS,
        values: (_, splits) => splits.map(format),
      },
    ],
    series: [
      {},
      ...drawn.map(({ label, color }) => ({
        label,
        stroke: colour(color),
        ...(kind === "bars"
          ? { fill: colour(color), width: 0, paths: bars, points: { show: false } }
          : { width: 1.8, points: { size: 5, width: 1.2 } }),
      })),
    ],
    hooks: {
      setCursor: [(plot) => latest.current.hover(plot.cursor.left! >= 0 ? (plot.cursor.idx ?? null) : null)],
      setSelect: [
        (plot) => {
          const { left, width } = plot.select;
          if (width < 4) return;
          latest.current.select(plot.posToVal(left, "x"), plot.posToVal(left + width, "x"));
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };
}

/** Whether a label there would be cut off. */
function nearEdge(plot: uPlot, at: number): boolean {
  const { min = 0, max = 1 } = plot.scales.x ?? {};
  const margin = ((max ?? 1) - (min ?? 0)) * 0.035;
  return at < (min ?? 0) + margin || at > (max ?? 1) - margin;
}

const WHOLE = [1, 2, 5]
  .flatMap((step) => [0, 1, 2, 3, 4, 5, 6].map((power) => step * 10 ** power))
  .sort((a, b) => a - b);
/** Round lengths of time, in seconds. */
const LENGTHS = [
  ...[0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800],
  ...[3_600, 7_200, 14_400, 21_600, 43_200, 86_400, 172_800, 432_000, 864_000],
];
/** Bars are not drawn wider than so many of them would be. */
const FEWEST = 12;

function range({ starts, ends }: ChartProps): [number, number] {
  const [first, last] = [starts[0] ?? 0, ends.at(-1) ?? 1];
  const each = (last - first) / Math.max(1, starts.length);
  return [Math.min(first, last - FEWEST * each), last];
}
