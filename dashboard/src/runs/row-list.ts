import type { RunRowFragment, WorkflowExecutionOrder } from "../api/generated";

/**
 * The rows loaded of an ordered list, from its beginning, kept in order while runs change.
 *
 * The server pages by sort key, so rows may be put in and taken out here without upsetting the pages to come.
 */
export class RowList {
  rows: RunRowFragment[] = [];
  private readonly ids = new Map<string, RunRowFragment>();

  constructor(private readonly order: WorkflowExecutionOrder & { direction: "ASC" | "DESC" }) {}

  /** Add a page at the end; rows that came by another way are there already. */
  append(page: readonly RunRowFragment[]): void {
    for (const row of page) {
      const known = this.ids.get(row.id);
      if (known && known.revision > row.revision) continue;
      if (known) this.remove(known.id);
      this.put(row);
    }
  }

  /**
   * Take in what changed. Runs that belong behind the last row are left out while there are more pages to come.
   */
  apply(changed: readonly RunRowFragment[], removed: readonly string[], hasMore: boolean): void {
    for (const id of removed) this.remove(id);
    for (const row of changed) {
      const known = this.ids.get(row.id);
      if (known && known.revision > row.revision) continue;
      if (known) this.remove(row.id);
      const last = this.rows.at(-1);
      if (hasMore && (last === undefined || this.compare(row, last) > 0)) continue;
      this.put(row);
    }
  }

  indexOf(id: string): number {
    const row = this.ids.get(id);
    return row === undefined ? -1 : this.rows.indexOf(row);
  }

  remove(id: string): void {
    const index = this.indexOf(id);
    if (index < 0) return;
    this.rows.splice(index, 1);
    this.ids.delete(id);
  }

  private put(row: RunRowFragment): void {
    let low = 0;
    let high = this.rows.length;
    const last = this.rows.at(-1);
    if (last === undefined || this.compare(row, last) > 0) low = high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.compare(this.rows[middle]!, row) < 0) low = middle + 1;
      else high = middle;
    }
    this.rows.splice(low, 0, row);
    this.ids.set(row.id, row);
  }

  /** As the server sorts: by the key, a missing one last either way, then by id. */
  private compare(a: RunRowFragment, b: RunRowFragment): number {
    const [left, right] = [this.key(a), this.key(b)];
    const sign = this.order.direction === "ASC" ? 1 : -1;
    if (left === null || right === null) {
      if (left !== right) return left === null ? 1 : -1;
    } else if (left !== right) return (left < right ? -1 : 1) * sign;
    return a.id === b.id ? 0 : (a.id < b.id ? -1 : 1) * sign;
  }

  private key(row: RunRowFragment): string | number | null {
    switch (this.order.field) {
      case "STARTED_AT":
        return row.startedAt;
      case "ENDED_AT":
        return row.endedAt;
      case "DURATION":
        return row.durationSeconds;
      default:
        return row.createdAt; // in one format, so that text sorts as time does
    }
  }
}
