import { signal } from "@preact/signals";
import { query } from "../api/client";
import { serverNow } from "../api/clock";
import { Failure } from "../api/failure";
import {
  RunsChangedDocument,
  type RunsChangedSubscription,
  RunsPageDocument,
  type RunsPageQuery,
  type WorkflowExecutionFilter,
} from "../api/generated";
import { follow } from "../api/live";
import { RowList } from "./row-list";
import { type RunsView, toFilter } from "./view";

const FIRST_PAGE = 60;
const PAGE = 200;
/** Rows kept while somebody looks at the beginning of a list that grows there. */
const MOST_AT_TOP = 2_000;
/** Rows read again after a lost connection, for who is far down. */
const MOST_RELOADED = 4_000;

/** A list of runs: loaded page by page as it is scrolled, and kept current. */
export class RunsModel {
  readonly filter: WorkflowExecutionFilter;
  readonly list: { current: RowList };
  /** Counts the changes of the rows; whoever reads it is drawn again. */
  readonly version = signal(0);
  readonly hasMore = signal(true);
  readonly loading = signal(true);
  readonly failure = signal<Failure | null>(null);
  /** Told before rows are put in or taken out, so that the view can keep its place. */
  beforeChange: () => void = () => {};
  atTop = true;

  private cursor: string | null = null;
  private generation = 0;
  private stopped = false;
  /** Whether what is being loaded has to be looked at again. */
  private stale = false;
  /** What changed while a page was on its way: the page may have been read before it. */
  private meanwhile: Change[] = [];
  private stop: () => void = () => {};
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly view: RunsView) {
    this.filter = toFilter(view, serverNow());
    this.list = { current: new RowList(view.order) };
  }

  start(): void {
    this.stop = follow(
      RunsChangedDocument,
      { filter: this.filter },
      {
        next: ({ workflowExecutionsChanged: change }) => {
          // An empty event: from here on nothing is missed, so now is the time to look (again).
          if (change.changed.length > 0 || change.removedIds.length > 0) this.take(change);
          else if (this.loading.value) this.stale = true;
          else void this.reload();
        },
        failed: (failure) => this.fail(failure, () => this.reload()),
      },
    );
    void this.reload(); // without waiting for the WebSocket; it is looked at again when that is there
  }

  end(): void {
    this.stopped = true;
    clearTimeout(this.retry);
    this.stop();
  }

  /** Load anew as much as there was; what is shown stays until that is there. */
  async reload(): Promise<void> {
    this.stale = false;
    const wanted = this.atTop ? FIRST_PAGE : Math.min(this.list.current.rows.length, MOST_RELOADED);
    await this.load(async (current) => {
      const fresh = new RowList(this.view.order);
      let cursor: string | null = null;
      let more = true;
      do {
        const first = wanted > FIRST_PAGE ? PAGE : FIRST_PAGE;
        const page: RunsPageQuery = await query(RunsPageDocument, this.variables(first, cursor));
        if (!current()) return;
        fresh.append(page.workflowExecutions.nodes);
        cursor = page.workflowExecutions.pageInfo.endCursor;
        more = page.workflowExecutions.pageInfo.hasNextPage;
      } while (more && fresh.rows.length < wanted);
      this.cursor = cursor;
      this.change(() => {
        this.list.current = fresh;
        this.hasMore.value = more;
      });
    });
  }

  /** Load the next page, unless that is under way. */
  async more(): Promise<void> {
    if (this.loading.value || !this.hasMore.value) return;
    await this.load(async (current) => {
      const { workflowExecutions: page } = await query(RunsPageDocument, this.variables(PAGE, this.cursor));
      if (!current()) return;
      this.cursor = page.pageInfo.endCursor;
      this.change(() => {
        this.list.current.append(page.nodes);
        this.hasMore.value = page.pageInfo.hasNextPage;
      });
    });
  }

  private async load(read: (current: () => boolean) => Promise<void>): Promise<void> {
    const generation = ++this.generation;
    const current = () => !this.stopped && generation === this.generation;
    clearTimeout(this.retry);
    this.meanwhile = [];
    this.loading.value = true;
    try {
      await read(current);
      if (current()) this.failure.value = null;
    } catch (failure) {
      if (current()) this.fail(failure, () => (this.version.value === 0 ? this.reload() : this.load(read)));
    } finally {
      if (current()) this.loading.value = false;
    }
    if (current() && this.stale && !this.failure.value) void this.reload();
  }

  private take(change: Change): void {
    if (this.loading.value) this.meanwhile.push(change);
    this.change(() => this.list.current.apply(change.changed, change.removedIds, this.hasMore.value));
    if (this.atTop && this.list.current.rows.length > MOST_AT_TOP) void this.reload();
  }

  private change(apply: () => void): void {
    if (this.stopped) return;
    this.beforeChange();
    apply();
    for (const { changed, removedIds } of this.meanwhile)
      this.list.current.apply(changed, removedIds, this.hasMore.value);
    this.version.value++;
  }

  private fail(failure: unknown, again: () => Promise<void>): void {
    if (this.stopped) return;
    this.loading.value = false;
    this.failure.value = failure instanceof Failure ? failure : new Failure("broken", String(failure));
    if (this.failure.value.kind === "offline") this.retry = setTimeout(() => void again(), 2_000);
  }

  private variables(first: number, after: string | null) {
    return { filter: this.filter, orderBy: this.view.order, first, after };
  }
}

type Change = RunsChangedSubscription["workflowExecutionsChanged"];
