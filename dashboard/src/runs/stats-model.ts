import { effect, signal } from "@preact/signals";
import { query } from "../api/client";
import { serverNow } from "../api/clock";
import { Failure } from "../api/failure";
import { OldestRunDocument, RunStatsDocument, type RunStatsQuery, type StatsBucket } from "../api/generated";
import { bucketFor } from "./buckets";
import type { RunsModel } from "./runs-model";
import { toFilter } from "./view";

export type Stats = RunStatsQuery["workflowExecutionStats"];

const SHORTEST_PAUSE = 2_000;
/** Counting again never takes more than this part of the time. */
const SHARE = 0.05;
const MINUTE = 60_000;

export interface Counted {
  readonly stats: Stats;
  readonly bucket: StatsBucket;
}

/** The statistics of the runs of a view, counted again while runs change. */
export class StatsModel {
  readonly counted = signal<Counted | null>(null);
  readonly failure = signal<Failure | null>(null);

  private stopped = false;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private due = 0;
  private planned = Number.POSITIVE_INFINITY;
  private counting = false;
  private oldest: number | null = null;
  private unsubscribe: () => void = () => {};

  constructor(private readonly runs: RunsModel) {}

  start(): void {
    this.unsubscribe = effect(() => {
      this.runs.version.value;
      // At first the rows: somebody waits for them, and counting all of a year keeps the database busy.
      const nothingYet = this.counted.peek() === null && this.failure.peek() === null;
      if (nothingYet && this.runs.loading.value) return;
      this.countAt(this.due);
    });
  }

  end(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.unsubscribe();
  }

  /** Count at this time, or before if that is planned. */
  private countAt(time: number): void {
    if (this.stopped || this.counting || time >= this.planned) return;
    clearTimeout(this.timer);
    this.planned = time;
    this.timer = setTimeout(() => void this.count(), Math.max(0, time - Date.now()));
  }

  private async count(): Promise<void> {
    const began = Date.now();
    const version = this.runs.version.peek();
    this.counting = true;
    this.planned = Number.POSITIVE_INFINITY;
    try {
      const now = serverNow();
      const filter = toFilter(this.runs.view, now);
      const until = filter.createdUntil ? Date.parse(filter.createdUntil) : now;
      const since = filter.createdSince ? Date.parse(filter.createdSince) : await this.first(filter);
      const bucket = bucketFor(until - (since ?? until));
      const timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
      filter.createdUntil ??= new Date(now + 1_000).toISOString();
      const { workflowExecutionStats: stats } = await query(RunStatsDocument, { filter, bucket, timeZone });
      if (this.stopped) return;
      this.counted.value = { stats, bucket };
      this.failure.value = null;
    } catch (failure) {
      this.failure.value = failure instanceof Failure ? failure : new Failure("broken", String(failure));
    }
    const ended = Date.now();
    this.due = ended + Math.max(SHORTEST_PAUSE, (ended - began) / SHARE);
    this.counting = false;
    const changed = version !== this.runs.version.peek();
    this.countAt(changed ? this.due : ended + MINUTE); // the newest bar begins even if nothing happens
  }

  /** When the oldest of the runs was made: runs are deleted, but none is made in the past. */
  private async first(filter: ReturnType<typeof toFilter>): Promise<number | null> {
    if (this.oldest === null) {
      const { workflowExecutions } = await query(OldestRunDocument, { filter });
      const created = workflowExecutions.nodes[0]?.createdAt;
      this.oldest = created ? Date.parse(created) : null;
    }
    return this.oldest;
  }
}
