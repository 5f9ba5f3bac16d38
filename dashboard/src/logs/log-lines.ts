import type { LogLineFragment } from "../api/generated";

export type Line = LogLineFragment;

export const PAGE = 250;
const MOST_PAGES = 40;

/** A stretch of the log that is to be asked for, by sequence, both ends included. */
export type Stretch = readonly [from: number, to: number];

/**
 * All entries of a run, of which those are held that were looked at last. Entry n is line n - 1: sequences have no
 * gap, so any line can be asked for, and a million entries need no more memory than a few thousand.
 */
export class WholeLog {
  count = 0;
  private readonly pages = new Map<number, (Line | undefined)[]>();

  lineAt(index: number): Line | undefined {
    return this.pages.get(Math.floor(index / PAGE))?.[index % PAGE];
  }

  indexOf(sequence: number): number {
    return sequence >= 1 && sequence <= this.count ? sequence - 1 : -1;
  }

  /** What is missing to show the lines from `from` up to, not including, `to`, in whole pages. */
  missing(from: number, to: number): readonly Stretch[] {
    const stretches: Stretch[] = [];
    for (let page = Math.floor(from / PAGE); page * PAGE < Math.min(to, this.count); page++) {
      const size = Math.min(PAGE, this.count - page * PAGE);
      const held = this.pages.get(page);
      if (held) this.touch(page, held);
      if (!held || count(held, size) < size) stretches.push([page * PAGE + 1, page * PAGE + size]);
    }
    return stretches;
  }

  /** Take in entries, whether they were asked for or arrived. */
  put(lines: readonly Line[]): void {
    for (const line of lines) {
      const page = Math.floor((line.sequence - 1) / PAGE);
      const held = this.pages.get(page) ?? [];
      held[(line.sequence - 1) % PAGE] = line;
      this.touch(page, held);
    }
    while (this.pages.size > MOST_PAGES) this.pages.delete(this.pages.keys().next().value!);
  }

  /** The log goes up to here now. */
  grow(lastSequence: number): void {
    this.count = Math.max(this.count, lastSequence);
  }

  private touch(page: number, held: (Line | undefined)[]): void {
    this.pages.delete(page);
    this.pages.set(page, held);
  }
}

function count(held: readonly (Line | undefined)[], size: number): number {
  let found = 0;
  for (let index = 0; index < size; index++) if (held[index] !== undefined) found++;
  return found;
}

/** One page of a connection. */
export interface Page {
  readonly nodes: readonly Line[];
  readonly pageInfo: {
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  };
}

/** A connected part of the entries that a filter selects, which grows at both ends. */
export class FilteredLog {
  lines: Line[] = [];
  start: string | null = null;
  end: string | null = null;
  hasBefore = false;
  hasAfter = false;

  get count(): number {
    return this.lines.length;
  }

  lineAt(index: number): Line | undefined {
    return this.lines[index];
  }

  /** The line of an entry, or of the next one the filter selects. */
  indexOf(sequence: number): number {
    let [low, high] = [0, this.lines.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.lines[middle]!.sequence < sequence) low = middle + 1;
      else high = middle;
    }
    return low < this.lines.length ? low : this.lines.length - 1;
  }

  before(page: Page): void {
    this.lines = [...page.nodes, ...this.lines];
    this.start = page.pageInfo.startCursor ?? this.start;
    this.end ??= page.pageInfo.endCursor;
    this.hasBefore = page.pageInfo.hasPreviousPage;
  }

  after(page: Page): void {
    this.put(page.nodes);
    this.start ??= page.pageInfo.startCursor;
    this.end = page.pageInfo.endCursor ?? this.end;
    this.hasAfter = page.pageInfo.hasNextPage;
  }

  /** Entries that arrived; each once, in order. */
  put(lines: readonly Line[]): void {
    const last = this.lines.at(-1)?.sequence ?? 0;
    for (const line of lines) if (line.sequence > last) this.lines.push(line);
  }
}
