import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { now } from "../api/clock";
import type { ExecutionStatus, RunHeaderFragment } from "../api/generated";
import { focusDrawn } from "../ui/focus";
import { formatDuration, formatTicking, plural } from "../ui/format";
import { ChevronRight, Retry, Search, StatusIcon } from "../ui/icons";
import { useKeys } from "../ui/keys";
import { Note } from "../ui/note";
import { STATUS_NAMES } from "../ui/status";
import { useVirtualizer } from "../ui/virtual";
import type { RunModel, Step } from "./run-model";
import { shortened } from "./step-names";
import { type TreeRow, visibleRows } from "./step-tree";
import { Scale, ticks } from "./timeline-scale";

const ROW = 30;
/** Marks further to the right have no room for their label. */
const LAST_LABEL = 0.95;
const FILTERS: readonly ExecutionStatus[] = ["RUNNING", "FAILED", "PENDING", "COMPLETED"];

interface TimelineProps {
  readonly model: RunModel;
  readonly run: RunHeaderFragment;
  readonly selected: string | null;
  readonly select: (id: string) => void;
}

/** The steps as a tree, each with its time as a bar on a common axis. */
export function Timeline({ model, run, selected, select }: TimelineProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const [text, setText] = useState("");
  const [status, setStatus] = useState<ReadonlySet<ExecutionStatus>>(new Set());
  const [zoom, setZoom] = useState<Scale | null>(null);
  const [width, setWidth] = useState(600);
  const tree = model.tree.value;
  const prefix = model.prefix.value;
  const rows = useMemo(() => visibleRows(tree, folded, { text, status }), [tree, folded, text, status]);
  const running = run.startedAt !== null && run.endedAt === null;
  const whole = wholeScale(run, model.steps.value, running ? now.value : 0);
  const scale = zoom ?? whole;
  const axis = ticks(scale, whole.start, width / 90);

  const track = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = track.current;
    if (!element) return;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, [rows.length === 0]);

  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 15,
    getItemKey: (index) => rows[index]?.node.step.id ?? index,
  });

  const indexOf = (id: string | null) => rows.findIndex(({ node }) => node.step.id === id);
  const shown = useRef<string | null>(null);
  useEffect(() => {
    if (selected === null || shown.current === selected) return;
    const index = indexOf(selected);
    if (index < 0) return;
    shown.current = selected;
    virtualizer.scrollToIndex(index, { align: "auto" });
  }, [selected, rows.length]);

  const focusRow = (index: number) => {
    const row = rows[index];
    if (!row) return;
    virtualizer.scrollToIndex(index, { align: "auto" });
    focused.current = row.node.step.id;
    focusDrawn(scroller.current, `[data-step="${row.node.step.id}"] button.name`);
  };
  const focused = useRef<string | null>(null); // no state: two keys may come before anything is drawn again
  const current = () => indexOf(focused.current ?? selected);
  const step = (by: number) => {
    const from = current();
    focusRow(Math.min(rows.length - 1, Math.max(0, from < 0 ? 0 : from + by)));
  };
  const fold = (id: string, closed: boolean) => {
    const changed = new Set(folded);
    if (closed) changed.add(id);
    else changed.delete(id);
    setFolded(changed);
  };
  useKeys({
    j: () => step(1),
    k: () => step(-1),
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    ArrowLeft: () => focused.current && fold(focused.current, true),
    ArrowRight: () => focused.current && fold(focused.current, false),
    "/": () => document.querySelector<HTMLInputElement>(".timeline-bar input")?.focus(),
  });

  const statuses = FILTERS.filter((one) => count(run, one) > 0);
  return (
    <section class="timeline" aria-label="Steps">
      <div class="timeline-bar">
        <label class="search-field">
          <Search size={14} />
          <span class="visually-hidden">Find steps</span>
          <input
            class="field"
            type="search"
            placeholder="Find steps"
            value={text}
            onInput={(event) => setText(event.currentTarget.value)}
            onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
          />
        </label>
        <fieldset class="segments">
          <legend class="visually-hidden">Status</legend>
          {statuses.map((one) => (
            <button
              key={one}
              type="button"
              aria-pressed={status.has(one)}
              onClick={() => {
                const changed = new Set(status);
                if (!changed.delete(one)) changed.add(one);
                setStatus(changed);
              }}
            >
              <StatusIcon status={one} size={14} />
              <span class="wide-only">{STATUS_NAMES[one]}</span>
              <span class="num">{count(run, one)}</span>
            </button>
          ))}
        </fieldset>
        <span class="grow" />
        {zoom && (
          <button type="button" class="button" onClick={() => setZoom(null)}>
            Whole time
          </button>
        )}
        <span class="muted num wide-only" role="status">
          {model.whole.value ? plural(model.steps.value.size, "step") : `Loading: ${model.steps.value.size}`}
        </span>
      </div>
      {rows.length === 0 ? (
        <NoSteps model={model} run={run} filtered={text !== "" || status.size > 0} />
      ) : (
        <div class="timeline-scroller" ref={scroller} tabIndex={-1}>
          <Axis track={track} axis={axis} scale={scale} zoom={setZoom} />
          <div class="timeline-rows" role="tree" style={{ height: `${virtualizer.getTotalSize()}px` }}>
            <div class="timeline-grid" aria-hidden="true">
              {axis.map(({ at }) => (
                <i key={at} style={{ left: `${at * 100}%` }} />
              ))}
            </div>
            {virtualizer.getVirtualItems().map((item) => {
              const row = rows[item.index];
              return (
                row && (
                  <StepLine
                    key={item.key}
                    row={row}
                    name={shortened(row.node.step.name, prefix)}
                    top={item.start}
                    scale={scale}
                    folded={folded.has(row.node.step.id)}
                    selected={row.node.step.id === selected}
                    select={select}
                    fold={fold}
                    onFocus={(id) => {
                      focused.current = id;
                    }}
                    position={item.index + 1}
                    of={rows.length}
                  />
                )
              );
            })}
          </div>
        </div>
      )}
    </section>
  );
}

function NoSteps({ model, run, filtered }: { model: RunModel; run: RunHeaderFragment; filtered: boolean }) {
  if (filtered) return <Note title="No step matches" />;
  if (!model.whole.value) return <Note title="Loading…" />;
  return (
    <Note title="No steps yet">
      <p>
        {run.status === "PENDING"
          ? "The run waits for an engine to take it up; its steps appear here by themselves."
          : run.status === "RUNNING"
            ? "They appear here as soon as the engine reports one."
            : "The run ended without any."}
      </p>
    </Note>
  );
}

function count(run: RunHeaderFragment, status: ExecutionStatus): number {
  return run.nodeStatusCounts[status.toLowerCase() as "pending"];
}

/** From the first start to the last end; while it runs, to now and a little further, so that it moves seldom. */
function wholeScale(run: RunHeaderFragment, steps: ReadonlyMap<string, Step>, until: number): Scale {
  let start = Date.parse(run.startedAt ?? run.createdAt);
  let end = run.endedAt === null ? until : Date.parse(run.endedAt);
  for (const step of steps.values()) {
    if (step.startedAt !== null) start = Math.min(start, Date.parse(step.startedAt));
    if (step.endedAt !== null) end = Math.max(end, Date.parse(step.endedAt));
  }
  return new Scale(start, Math.max(end, start + 1));
}

interface AxisProps {
  readonly axis: readonly { at: number; label: string }[];
  readonly scale: Scale;
  readonly zoom: (scale: Scale) => void;
  readonly track: RefObject<HTMLDivElement | null>;
}

/** The time axis; dragging along it looks closer at a part. */
function Axis({ axis, scale, zoom, track }: AxisProps) {
  const [drag, setDrag] = useState<{ from: number; to: number } | null>(null);
  const fraction = (event: PointerEvent) => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
  };
  const [low, high] = drag ? [Math.min(drag.from, drag.to), Math.max(drag.from, drag.to)] : [0, 0];
  return (
    <div class="timeline-axis">
      <span class="muted">Step</span>
      <div
        ref={track}
        class="track"
        title="Drag to look closer at a part"
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          const at = fraction(event);
          setDrag({ from: at, to: at });
        }}
        onPointerMove={(event) => drag && setDrag({ ...drag, to: fraction(event) })}
        onPointerUp={() => {
          if (high - low > 0.01) zoom(new Scale(scale.timeAt(low), scale.timeAt(high)));
          setDrag(null);
        }}
      >
        {axis.map(({ at, label }) => (
          <span key={label} class="num" style={{ left: `${at * 100}%` }}>
            {at < LAST_LABEL && label}
          </span>
        ))}
        {drag && <i class="drag" style={{ left: `${low * 100}%`, width: `${(high - low) * 100}%` }} />}
      </div>
    </div>
  );
}

interface LineProps {
  readonly row: TreeRow;
  readonly name: string;
  readonly top: number;
  readonly scale: Scale;
  readonly folded: boolean;
  readonly selected: boolean;
  readonly select: (id: string) => void;
  readonly fold: (id: string, closed: boolean) => void;
  readonly onFocus: (id: string) => void;
  readonly position: number;
  readonly of: number;
}

function StepLine({ row, name, top, scale, folded, selected, select, fold, onFocus, position, of }: LineProps) {
  const { step, children, size, failedBelow } = row.node;
  return (
    <div
      role="treeitem"
      aria-level={row.depth + 1}
      aria-expanded={children.length ? !folded : undefined}
      aria-selected={selected}
      aria-setsize={of}
      aria-posinset={position}
      class={`step-line s-${step.status}`}
      data-step={step.id}
      data-status={step.status}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => select(step.id)}
    >
      <span class="label" style={{ paddingLeft: `${8 + Math.min(row.depth, 12) * 16}px` }}>
        {children.length > 0 ? (
          <button
            type="button"
            class="fold"
            tabIndex={-1}
            aria-label={folded ? `Unfold ${size}` : "Fold"}
            onClick={(event) => {
              event.stopPropagation();
              fold(step.id, !folded);
            }}
          >
            <ChevronRight size={12} class={folded ? "" : "turned"} />
          </button>
        ) : (
          <span class="fold" />
        )}
        <StatusIcon status={step.status} size={15} />
        <button
          type="button"
          class="name clip"
          title={step.name}
          onFocus={() => onFocus(step.id)}
          onClick={(event) => {
            event.stopPropagation();
            select(step.id);
          }}
        >
          {name}
          <span class="visually-hidden"> {STATUS_NAMES[step.status]}</span>
        </button>
        {folded && size > 0 && (
          <span class={`tag ${failedBelow ? "failed" : ""}`} title={failedBelow ? "One of them failed" : undefined}>
            +{size}
          </span>
        )}
        {step.retryCount > 0 && (
          <span class="tag" title={plural(step.retryCount, "retry").replace("retrys", "retries")}>
            <Retry size={11} />
            {step.retryCount}
          </span>
        )}
      </span>
      <span class="track">
        <Bar step={step} scale={scale} />
      </span>
    </div>
  );
}

function Bar({ step, scale }: { step: Step; scale: Scale }) {
  if (step.startedAt === null) return null;
  const ongoing = step.endedAt === null;
  const began = Date.parse(step.startedAt);
  const ended = ongoing ? now.value : Date.parse(step.endedAt!);
  const [left, right] = [scale.at(began), scale.at(ended)];
  const seconds = (ended - began) / 1_000;
  const label = ongoing ? formatTicking(seconds) : formatDuration(step.durationSeconds);
  if (right < 0 || left > 1) return null;
  const [from, to] = [Math.max(0, left), Math.min(1, right)];
  const side = to < 0.82 ? "after" : from > 0.18 ? "before" : "inside";
  return (
    <>
      <i class={`bar ${ongoing ? "ongoing" : ""}`} style={{ left: `${from * 100}%`, width: `${(to - from) * 100}%` }} />
      <span
        class={`num bar-label ${side}`}
        style={
          side === "before" ? { right: `${(1 - from) * 100}%` } : { left: `${(side === "after" ? to : from) * 100}%` }
        }
      >
        {label}
      </span>
    </>
  );
}
