import { signal } from "@preact/signals";
import { query } from "../api/client";
import { Failure } from "../api/failure";
import {
  type ExecutionLogFilter,
  LogPageDocument,
  type LogPageQueryVariables,
  LogTailDocument,
} from "../api/generated";
import { follow } from "../api/live";
import { FilteredLog, type Line, PAGE, type Page, WholeLog } from "./log-lines";

const AROUND = 250;
const AGAIN = 2_000;

/** A run's log, or what a filter selects of it: loaded where it is looked at, and followed to its end. */
export class LogModel {
  readonly lines: WholeLog | FilteredLog;
  readonly version = signal(0);
  readonly failure = signal<Failure | null>(null);
  /** Whether the first lines have come. */
  readonly ready = signal(false);
  /** Whether the log has ended and all of it was delivered. */
  readonly complete = signal(false);
  /** Told how many lines were put in before the others, so that the view can keep its place. */
  onPrepend: (count: number) => void = () => {};

  private lastSequence = 0;
  private stopped = false;
  private readonly asked = new Set<string>();
  private stop: (() => void) | null = null;
  private timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(
    readonly runId: string,
    readonly filter: ExecutionLogFilter | null,
  ) {
    this.lines = filter === null ? new WholeLog() : new FilteredLog();
  }

  /** Begin with the end of the log, or around an entry. */
  async start(around: number | null): Promise<void> {
    await this.once("start", async () => {
      if (this.lines instanceof WholeLog) await this.startWhole(this.lines, around);
      else await this.startFiltered(this.lines, around);
      this.ready.value = true;
    });
  }

  end(): void {
    this.stopped = true;
    this.stop?.();
    for (const timer of this.timers) clearTimeout(timer);
  }

  /** See to it that these lines are there, soon. */
  ensure(from: number, to: number): void {
    const { lines } = this;
    if (lines instanceof WholeLog) {
      for (const [first, last] of lines.missing(from, to))
        void this.once(`${first}-${last}`, async () => {
          lines.put((await this.page({ first: PAGE }, { fromSequence: first, toSequence: last })).nodes);
        });
      return;
    }
    if (from < AROUND / 4 && lines.hasBefore)
      void this.once("before", async () => {
        const page = await this.page({ last: 2 * AROUND, before: lines.start });
        lines.before(page);
        this.onPrepend(page.nodes.length);
      });
    if (to > lines.count - AROUND / 4 && lines.hasAfter)
      void this.once("after", async () => {
        const page = await this.page({ first: 2 * AROUND, after: lines.end });
        lines.after(page);
        this.listenAtEnd(lines, page.lastSequence);
      });
  }

  /** The line of an entry, loaded around it where need be. */
  async find(sequence: number): Promise<number> {
    const { lines } = this;
    if (lines instanceof FilteredLog) {
      const [first, last] = [lines.lines[0]?.sequence ?? 0, lines.lines.at(-1)?.sequence ?? 0];
      const outside = (sequence < first && lines.hasBefore) || (sequence > last && lines.hasAfter);
      if (outside) await this.once("find", () => this.startFiltered(lines, sequence));
    }
    return lines.indexOf(sequence);
  }

  /** The next or previous entry of level ERROR that the filter selects; null if there is none. */
  async error(from: number, direction: 1 | -1): Promise<number | null> {
    const where = direction === 1 ? { fromSequence: from + 1 } : { toSequence: from - 1 };
    if (direction === -1 && from <= 1) return null;
    const page = await this.page(direction === 1 ? { first: 1 } : { last: 1 }, {
      ...where,
      minLevel: null,
      levels: ["ERROR"],
    });
    return page.nodes[0]?.sequence ?? null;
  }

  /** Everything the filter selects up to now, page by page. */
  async *all(): AsyncGenerator<readonly Line[]> {
    const { lastSequence } = await this.page({ first: 1 });
    let after: string | null = null;
    let more = lastSequence > 0;
    while (more) {
      const page: Page = await this.page({ first: 1_000, after }, { toSequence: lastSequence });
      yield page.nodes;
      after = page.pageInfo.endCursor;
      more = page.pageInfo.hasNextPage;
    }
  }

  private async startWhole(lines: WholeLog, around: number | null): Promise<void> {
    const where = around === null ? {} : { fromSequence: Math.max(1, around - AROUND / 2) };
    const page = await this.page(around === null ? { last: PAGE } : { first: PAGE }, where);
    lines.grow(page.lastSequence);
    lines.put(page.nodes);
    this.listen(page.lastSequence);
  }

  private async startFiltered(lines: FilteredLog, around: number | null): Promise<void> {
    const fresh = new FilteredLog();
    const after = await this.page(
      around === null ? { last: 2 * AROUND } : { first: AROUND },
      around === null ? {} : { fromSequence: around },
    );
    fresh.after(after);
    if (around === null || around <= 1) fresh.hasBefore = after.pageInfo.hasPreviousPage;
    else fresh.before(await this.page({ last: AROUND }, { toSequence: around - 1 }));
    if (this.stopped) return;
    if (around === null) fresh.hasAfter = false;
    Object.assign(lines, fresh);
    this.stop?.();
    this.stop = null;
    this.listenAtEnd(lines, after.lastSequence);
  }

  /** Follow what comes once everything up to here is loaded, so that nothing is left out in between. */
  private listenAtEnd(lines: FilteredLog, lastSequence: number): void {
    if (!lines.hasAfter && this.stop === null) this.listen(lastSequence);
  }

  private listen(from: number): void {
    if (this.stopped) return;
    this.lastSequence = from;
    const model = this;
    const variables = {
      id: this.runId,
      filter: this.filter,
      get after() {
        return model.lastSequence;
      },
    };
    this.stop = follow(LogTailDocument, variables, {
      next: ({ executionLogs: { entries, lastSequence, complete } }) => {
        if (this.lines instanceof WholeLog) this.lines.grow(lastSequence);
        this.lines.put(entries);
        this.lastSequence = lastSequence;
        if (complete) this.complete.value = true;
        this.version.value++;
      },
      failed: (failure) => {
        this.failure.value = failure;
      },
    });
  }

  private async page(
    range: Pick<LogPageQueryVariables, "first" | "last" | "after" | "before">,
    where: ExecutionLogFilter = {},
  ): Promise<Page & { lastSequence: number }> {
    const filter = { ...this.filter, ...where };
    const { workflowExecution } = await query(LogPageDocument, { id: this.runId, filter, ...range });
    if (workflowExecution === null) throw new Failure("not-found", "The run was deleted.");
    return workflowExecution.logs;
  }

  /** Do something that loads, once at a time, and again by itself while the server cannot be reached. */
  private async once(name: string, load: () => Promise<void>): Promise<void> {
    if (this.asked.has(name) || this.stopped) return;
    this.asked.add(name);
    try {
      await load();
      if (this.stopped) return;
      this.failure.value = null;
      this.version.value++;
    } catch (problem) {
      if (this.stopped) return;
      const failure = problem instanceof Failure ? problem : new Failure("broken", String(problem));
      this.failure.value = failure;
      if (failure.kind === "offline") {
        const timer = setTimeout(() => {
          this.timers.delete(timer);
          void this.once(name, load);
        }, AGAIN);
        this.timers.add(timer);
      }
    } finally {
      this.asked.delete(name);
    }
  }
}
