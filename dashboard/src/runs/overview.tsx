import { useEffect, useMemo, useState } from "preact/hooks";
import type { ExecutionStatus } from "../api/generated";
import { formatCount, formatDuration, formatExactCount, plural } from "../ui/format";
import { lazy } from "../ui/lazy";
import { STATUS_NAMES } from "../ui/status";
import { BUCKET_NAMES, bucketLabel } from "./buckets";
import type { Series } from "./chart";
import type { RunsModel } from "./runs-model";
import { type Counted, type Stats, StatsModel } from "./stats-model";
import type { RunsView } from "./view";

/** From the bottom: failures stand on the axis, where they can be compared. */
const STACK: readonly ExecutionStatus[] = ["FAILED", "COMPLETED", "CANCELLED", "RUNNING", "PENDING"];

const Chart = lazy("The chart", () => import("./chart").then(({ Chart }) => Chart), <div class="chart" />);

interface OverviewProps {
  readonly view: RunsView;
  readonly model: RunsModel;
  readonly change: (changes: Partial<RunsView>) => void;
}

/** How many runs there were over time, what became of them and how long they took. */
export function Overview({ model, change }: OverviewProps) {
  const stats = useMemo(() => new StatsModel(model), [model]);
  const [last, setLast] = useState<Counted | null>(null);
  useEffect(() => {
    stats.start();
    return () => stats.end();
  }, [stats]);
  const counted = stats.counted.value ?? last; // while others are counted, those before: nothing jumps
  useEffect(() => {
    if (stats.counted.value) setLast(stats.counted.value);
  }, [stats.counted.value]);
  return (
    <section class="overview panel" aria-label="Runs over time">
      <Summary summary={counted?.stats.summary ?? null} />
      {counted ? <Charts counted={counted} change={change} /> : <div class="charts" />}
    </section>
  );
}

function Summary({ summary }: { summary: Stats["summary"] | null }) {
  const count = (status: ExecutionStatus) => summary?.byStatus.find((each) => each.status === status)?.count ?? 0;
  const rate = summary?.successRate ?? null;
  return (
    <dl class="tiles">
      <Tile name="Runs" value={summary ? formatExactCount(summary.total) : "–"} />
      <Tile name="Running" value={summary ? formatCount(count("RUNNING")) : "–"} />
      <Tile name="Success" value={rate === null ? "–" : `${formatRate(rate)} %`} />
      <Tile name="Median" value={formatDuration(summary?.durationP50 ?? null)} />
      <Tile name="p95" value={formatDuration(summary?.durationP95 ?? null)} title="95 of 100 runs took no longer" />
      <Tile name="Longest" value={formatDuration(summary?.durationMax ?? null)} />
    </dl>
  );
}

/** Rounded down, so that 100 means all of them. */
function formatRate(rate: number): string {
  return String(Math.floor(rate * 1_000) / 10);
}

function Tile({ name, value, title }: { name: string; value: string; title?: string }) {
  return (
    <div title={title}>
      <dt>{name}</dt>
      <dd class="num">{value}</dd>
    </div>
  );
}

function Charts({ counted: { stats, bucket }, change }: { counted: Counted; change: OverviewProps["change"] }) {
  const [hovered, setHovered] = useState<number | null>(null);
  const { buckets } = stats;
  const [starts, ends, counts, durations] = useMemo(() => {
    const seconds = (iso: string) => Date.parse(iso) / 1_000;
    const of = (status: ExecutionStatus): Series => ({
      label: STATUS_NAMES[status],
      color: `--${status.toLowerCase()}`,
      values: buckets.map(({ summary }) => summary.byStatus.find((each) => each.status === status)?.count ?? 0),
    });
    const lines: Series[] = [
      { label: "Median", color: "--running", values: buckets.map(({ summary }) => summary.durationP50) },
      { label: "p95", color: "--cancelled", values: buckets.map(({ summary }) => summary.durationP95) },
    ];
    return [
      buckets.map(({ start }) => seconds(start)),
      buckets.map(({ end }) => seconds(end)),
      STACK.map(of),
      lines,
    ] as const;
  }, [buckets]);
  const at = hovered === null ? undefined : buckets[hovered];
  const choose = (from: number, to: number) => {
    const chosen = buckets.filter((_, index) => ends[index]! > from && starts[index]! < to);
    const [first, final] = [chosen[0], chosen.at(-1)];
    if (first && final) change({ range: null, since: utc(first.start), until: utc(final.end) });
  };
  const per = `per ${BUCKET_NAMES[bucket]}`;
  return (
    <div class="charts">
      <figure>
        <figcaption>
          <h2>Runs {per}</h2>
          <span class="num muted clip">{at ? describe(at, bucket) : <Legend series={counts} />}</span>
        </figcaption>
        <Chart
          label={`Runs ${per} by status, ${plural(stats.summary.total, "run")} in all`}
          kind="bars"
          {...{ starts, ends, bucket, series: counts, hover: setHovered, select: choose }}
          format={formatCount}
        />
      </figure>
      <figure class="durations">
        <figcaption>
          <h2>Duration</h2>
          <span class="num muted clip">{at ? describeDuration(at) : <Legend series={durations} />}</span>
        </figcaption>
        <Chart
          label={`Duration of runs ${per}: median ${formatDuration(stats.summary.durationP50)}`}
          kind="lines"
          {...{ starts, ends, bucket, series: durations, hover: setHovered, select: choose }}
          format={formatShort}
        />
      </figure>
    </div>
  );
}

function Legend({ series }: { series: readonly Series[] }) {
  return (
    <span class="legend">
      {series
        .filter(({ values }) => values.some((value) => value))
        .map(({ label, color }) => (
          <span key={label}>
            <i style={{ background: `var(${color})` }} />
            {label}
          </span>
        ))}
    </span>
  );
}

type Bucket = Stats["buckets"][number];

function describe({ start, end, summary }: Bucket, bucket: Counted["bucket"]): string {
  const parts = summary.byStatus.filter(({ count }) => count > 0);
  const words = parts.map(({ status, count }) => `${count} ${STATUS_NAMES[status].toLowerCase()}`);
  return `${bucketLabel(start, end, bucket)}: ${words.join(", ") || "none"}`;
}

function describeDuration({ summary: { durationP50, durationP95 } }: Bucket): string {
  if (durationP50 === null) return "none ended";
  return `median ${formatDuration(durationP50)}, p95 ${formatDuration(durationP95)}`;
}

function formatShort(seconds: number): string {
  if (seconds === 0) return "0";
  if (seconds < 1) return `${Number((seconds * 1_000).toPrecision(3))} ms`;
  if (seconds < 120) return `${Number(seconds.toPrecision(3))} s`;
  if (seconds < 7_200) return `${Number((seconds / 60).toPrecision(3))} min`;
  return `${Number((seconds / 3_600).toPrecision(3))} h`;
}

function utc(iso: string): string {
  return new Date(iso).toISOString();
}
