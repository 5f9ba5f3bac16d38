import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { navigate, place } from "../router";
import { focusDrawn } from "../ui/focus";
import { plural } from "../ui/format";
import { ArrowUp } from "../ui/icons";
import { useKeys } from "../ui/keys";
import { FailureNote, Note } from "../ui/note";
import { useVirtualizer } from "../ui/virtual";
import { Filters } from "./filters";
import { Overview } from "./overview";
import { type RowOrder, RunRow, RunsHead } from "./run-row";
import { RunsModel } from "./runs-model";
import { EVERYTHING, formatView, isFiltered, parseView, type RunsView } from "./view";

const NARROW = matchMedia("(max-width: 720px)");
const AHEAD = 80;

export function RunsPage() {
  const { search } = place.value;
  const address = useMemo(() => formatView(parseView(search)), [search]);
  const view = useMemo(() => parseView(address), [address]);
  const model = useMemo(() => new RunsModel(view), [view]);
  const main = useRef<HTMLElement>(null);

  // Before the page is painted: the rows are on their way meanwhile.
  useLayoutEffect(() => {
    document.title = "Runs · execgraph";
    main.current!.scrollTop = 0;
    model.start();
    return () => model.end();
  }, [model]);

  const change = (changes: Partial<RunsView>, replace = false) => {
    // Of what the address says now: two changes may come before anything is drawn again.
    const query = formatView({ ...parseView(place.peek().search), ...changes });
    navigate(query ? `/?${query}` : "/", { replace });
  };

  return (
    <main id="main" class="page runs" ref={main} tabIndex={-1}>
      <h1 class="visually-hidden">Runs</h1>
      <Filters view={view} change={change} />
      <Overview view={view} model={model} change={change} />
      <RunsTable key={address} main={main} model={model} view={view} change={change} />
    </main>
  );
}

interface TableProps {
  readonly main: { readonly current: HTMLElement | null };
  readonly model: RunsModel;
  readonly view: RunsView;
  readonly change: (changes: Partial<RunsView>) => void;
}

function RunsTable({ main, model, view, change }: TableProps) {
  const list = useRef<HTMLDivElement>(null);
  const [margin, setMargin] = useState(0);
  const [narrow, setNarrow] = useState(NARROW.matches);
  const focused = useRef<string | null>(null); // no state: two keys may come before anything is drawn again
  const [unseen, setUnseen] = useState(0);
  model.version.value; // drawn again when the rows change
  const { rows } = model.list.current;
  const height = narrow ? 78 : 44;

  useEffect(() => {
    const turned = () => setNarrow(NARROW.matches);
    NARROW.addEventListener("change", turned);
    return () => NARROW.removeEventListener("change", turned);
  }, []);

  useLayoutEffect(() => {
    const measure = () => setMargin(offsetWithin(main.current!, list.current));
    measure();
    const observer = new ResizeObserver(measure);
    for (const element of main.current!.children) if (!element.contains(list.current)) observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => main.current,
    estimateSize: () => height,
    scrollMargin: margin,
    overscan: 12,
    getItemKey: (index) => rows[index]?.id ?? index,
  });
  useLayoutEffect(() => virtualizer.measure(), [height]);

  // Rows that come or go above what is looked at must not move it: keep the first visible row where it is.
  const anchor = useRef<{ id: string; index: number } | null>(null);
  model.beforeChange = () => {
    const top = (main.current?.scrollTop ?? 0) - margin;
    const index = Math.max(0, Math.floor(top / height));
    const row = model.list.current.rows[index];
    anchor.current = top > height / 2 && row ? { id: row.id, index } : null;
  };
  const { version } = model;
  useLayoutEffect(() => {
    const kept = anchor.current;
    anchor.current = null;
    if (!kept || !main.current) return;
    const moved = model.list.current.indexOf(kept.id) - kept.index;
    if (kept.index + moved < 0 || moved === 0) return;
    main.current.scrollTop += moved * height;
    if (moved > 0) setUnseen((count) => count + moved);
  }, [version.value]);

  const items = virtualizer.getVirtualItems();
  const offset = virtualizer.scrollOffset ?? 0;
  const lastShown = items.at(-1)?.index ?? 0;
  useEffect(() => {
    model.atTop = offset <= margin + height;
    if (model.atTop && unseen) setUnseen(0);
    if (!model.failure.value && rows.length > 0 && lastShown + AHEAD > rows.length) void model.more();
  }, [offset, margin, lastShown, rows.length, model.loading.value]);

  const step = (by: number) => {
    const from = focused.current === null ? -1 : model.list.current.indexOf(focused.current);
    const to = Math.min(rows.length - 1, Math.max(0, from + by));
    const row = rows[to];
    if (!row) return;
    focused.current = row.id;
    virtualizer.scrollToIndex(to, { align: "auto" });
    focusDrawn(list.current, `[data-run="${row.id}"] a`);
  };
  useKeys({
    j: () => step(1),
    k: () => step(-1),
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    "/": () => main.current?.querySelector<HTMLInputElement>("input[type=search]")?.focus(),
  });

  const failure = model.failure.value;
  const settled = !model.loading.value || rows.length > 0 || model.version.value > 0;
  return (
    <div class="runs-table">
      {unseen > 0 && (
        <button type="button" class="button primary unseen" onClick={() => main.current?.scrollTo({ top: 0 })}>
          <ArrowUp /> {plural(unseen, "new run")}
        </button>
      )}
      <div role="table" aria-label="Runs" aria-rowcount={model.hasMore.value ? -1 : rows.length + 1}>
        <RunsHead order={view.order as RowOrder} change={change} />
        <div ref={list} role="rowgroup" class="rows" style={{ height: `${virtualizer.getTotalSize()}px` }}>
          {items.map(
            (item) =>
              rows[item.index] && (
                <RunRow
                  key={item.key}
                  run={rows[item.index]!}
                  index={item.index}
                  top={item.start - margin}
                  height={height}
                  onFocus={(id) => {
                    focused.current = id;
                  }}
                />
              ),
          )}
        </div>
      </div>
      {failure && <FailureNote failure={failure} again={() => void model.reload()} />}
      {!failure && settled && rows.length === 0 && <Empty view={view} change={change} />}
      {!failure && model.hasMore.value && (
        <p class="more muted" role="status">
          {settled ? "Loading more…" : "Loading…"}
        </p>
      )}
    </div>
  );
}

/** How far an element lies below the beginning of what is scrolled. */
function offsetWithin(scroller: HTMLElement, element: HTMLElement | null): number {
  if (!element) return 0;
  return element.getBoundingClientRect().top - scroller.getBoundingClientRect().top + scroller.scrollTop;
}

function Empty({ view, change }: Pick<TableProps, "view" | "change">) {
  if (isFiltered(view))
    return (
      <Note title="No run matches">
        <p>Runs that match from now on appear here by themselves.</p>
        <button type="button" class="button" onClick={() => change({ ...EVERYTHING, order: view.order })}>
          Clear all filters
        </button>
      </Note>
    );
  return (
    <Note title="No runs yet">
      <p>
        They appear here as soon as an engine reports one. Try the example, <code>make run</code> starts it, or replay a
        trace: <code>examples/replay_trace.py trace.json</code>
      </p>
      <a class="button" href="/graphql">
        Open the API
      </a>
    </Note>
  );
}
