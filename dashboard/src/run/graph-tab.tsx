import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { ExecutionStatus } from "../api/generated";
import { formatDuration, plural } from "../ui/format";
import { Cross, Fit, Minus, Plus, StatusIcon } from "../ui/icons";
import { Note } from "../ui/note";
import { STATUS_NAMES, StatusBadge } from "../ui/status";
import { type Box, type BoxState, groupedGraph, MOST_BOXES, plainGraph, statesOf } from "./graph";
import { BOX_HEIGHT, BOX_WIDTH, type Layout, layOut } from "./graph-layout";
import type { RunModel, Step } from "./run-model";
import { lastPart, shortened } from "./step-names";

const NARROW = matchMedia("(max-width: 720px)");
/** From so many steps on, those that are alike are drawn as one. */
const MANY = 60;
/** The same on a narrow screen. */
const FEW = 12;
const [SMALLEST, READABLE, LARGEST] = [0.1, 0.62, 2];
const NOTHING: BoxState = { status: null, counts: {}, steps: [] };

interface GraphProps {
  readonly model: RunModel;
  readonly selected: string | null;
  readonly select: (id: string) => void;
}

/** The definition of the workflow as a graph, coloured by what became of its steps. */
export function GraphTab({ model, selected, select }: GraphProps) {
  const definition = model.definition.value;
  const [grouping, setGrouping] = useState<boolean | null>(null);
  const [opened, setOpened] = useState<string | null>(null);
  const size = definition?.nodes.length ?? 0;
  const grouped = grouping ?? size > (NARROW.matches ? FEW : MANY);
  const graph = useMemo(
    () => definition && (grouped ? groupedGraph(definition) : plainGraph(definition)),
    [definition, grouped],
  );
  const layout = useMemo(() => graph && layOut(graph, NARROW.matches ? "TB" : "LR"), [graph]);
  const steps = model.steps.value;
  const states = useMemo(() => graph && statesOf(graph, steps.values()), [graph, steps]);
  if (!definition || !graph || !layout || !states) return <Note title="Loading…" />;
  if (size === 0)
    return (
      <Note title="This workflow declares no graph">
        <p>Its engine makes up the steps as it goes; they are on the timeline.</p>
        <a class="button" href={`/runs/${model.id}`}>
          To the timeline
        </a>
      </Note>
    );
  const others = [...steps.values()].filter(({ nodeId }) => nodeId === null).length;
  const prefix = model.prefix.value;
  const box = graph.boxes.find(({ id }) => id === opened);
  return (
    <section class="graph" aria-label="Graph of the workflow">
      <Canvas
        layout={layout}
        label={`${plural(size, "step")} in ${plural(graph.boxes.length, "box").replace("boxs", "boxes")}`}
      >
        {graph.boxes.map((each) => (
          <BoxButton
            key={each.id}
            box={each}
            state={states.get(each.id) ?? NOTHING}
            label={lastPart(shortened(each.label, prefix))}
            place={layout.places.get(each.id)!}
            selected={(states.get(each.id)?.steps ?? []).some(({ id }) => id === selected) || each.id === opened}
            choose={() => {
              const own = states.get(each.id)?.steps ?? [];
              if (each.nodeIds.length === 1 && own.length === 1) {
                setOpened(null);
                select(own[0]!.id);
              } else setOpened(each.id);
            }}
          />
        ))}
      </Canvas>
      <div class="graph-foot">
        {size > FEW && size <= MOST_BOXES && (
          <label class="row">
            <input type="checkbox" checked={grouped} onChange={() => setGrouping(!grouped)} />
            Steps that are alike as one
          </label>
        )}
        {others > 0 && <span class="muted">{plural(others, "step")} not in the definition, see the timeline</span>}
      </div>
      {box && (
        <BoxSteps box={box} state={states.get(box.id) ?? NOTHING} select={select} close={() => setOpened(null)} />
      )}
    </section>
  );
}

interface CanvasProps {
  readonly layout: Layout;
  readonly label: string;
  readonly children: preact.ComponentChildren;
}

/** What is larger than the window: scrolled, dragged and zoomed. */
function Canvas({ layout, label, children }: CanvasProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const [zoom, setZoom] = useState(1);
  const drag = useRef<{ x: number; y: number; left: number; top: number } | null>(null);
  const { width, height } = layout;
  const limited = (value: number) => Math.min(LARGEST, Math.max(SMALLEST, value));
  const fit = (least: number) => {
    const element = scroller.current;
    if (!element) return;
    const whole = Math.min(1, element.clientWidth / width, element.clientHeight / height);
    setZoom(limited(Math.max(least, whole)));
  };
  useLayoutEffect(() => fit(READABLE), [layout]);
  const shown = useRef<Layout | null>(null);
  useLayoutEffect(() => {
    const element = scroller.current;
    if (shown.current === layout || !element) return;
    shown.current = layout; // what is larger than the window is shown from its first step on
    const along = NARROW.matches ? "y" : "x";
    const [first] = [...layout.places.values()].sort((a, b) => a[along] - b[along]);
    if (!first) return;
    element.scrollLeft = first.x * zoom - element.clientWidth / 3;
    element.scrollTop = first.y * zoom - element.clientHeight / 2;
  }, [zoom, layout]);
  useEffect(() => {
    const element = scroller.current!;
    const onWheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      setZoom((value) => limited(value * Math.exp(-event.deltaY / 300)));
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, []);
  return (
    <div class="graph-frame">
      <div
        ref={scroller}
        class="graph-scroller"
        tabIndex={0}
        role="group"
        aria-label={label}
        onPointerDown={(event) => {
          if ((event.target as Element).closest("button") || event.pointerType === "touch") return;
          const { scrollLeft, scrollTop } = event.currentTarget;
          drag.current = { x: event.clientX, y: event.clientY, left: scrollLeft, top: scrollTop };
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={(event) => {
          const from = drag.current;
          if (!from) return;
          event.currentTarget.scrollLeft = from.left - (event.clientX - from.x);
          event.currentTarget.scrollTop = from.top - (event.clientY - from.y);
        }}
        onPointerUp={() => (drag.current = null)}
      >
        <div class="graph-size" style={{ width: `${width * zoom}px`, height: `${height * zoom}px` }}>
          <div class="graph-canvas" style={{ width: `${width}px`, height: `${height}px`, transform: `scale(${zoom})` }}>
            <svg width={width} height={height} aria-hidden="true">
              <defs>
                <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">
                  <path d="M0 0.8 7 4 0 7.2z" />
                </marker>
              </defs>
              {layout.paths.map(({ from, to, d }) => (
                <path key={`${from} ${to}`} class="edge" d={d} marker-end="url(#arrow)" />
              ))}
            </svg>
            {children}
          </div>
        </div>
      </div>
      <div class="graph-zoom">
        <button
          type="button"
          class="button icon"
          aria-label="Closer"
          title="Closer"
          onClick={() => setZoom(limited(zoom * 1.25))}
        >
          <Plus />
        </button>
        <button
          type="button"
          class="button icon"
          aria-label="Farther"
          title="Farther"
          onClick={() => setZoom(limited(zoom / 1.25))}
        >
          <Minus />
        </button>
        <button type="button" class="button icon" aria-label="Show all" title="Show all" onClick={() => fit(SMALLEST)}>
          <Fit />
        </button>
      </div>
    </div>
  );
}

interface BoxProps {
  readonly box: Box;
  readonly label: string;
  readonly state: BoxState;
  readonly place: { readonly x: number; readonly y: number };
  readonly selected: boolean;
  readonly choose: () => void;
}

function BoxButton({ box, label, state, place, selected, choose }: BoxProps) {
  const { status, counts, steps } = state;
  const several = box.nodeIds.length > 1 || steps.length > 1;
  const step = steps[0];
  const done = several
    ? `${counts.COMPLETED ?? 0}/${Math.max(box.nodeIds.length, steps.length)}`
    : step?.durationSeconds != null
      ? formatDuration(step.durationSeconds)
      : "";
  const words = Object.entries(counts).map(([each, count]) => `${count} ${STATUS_NAMES[each as ExecutionStatus]}`);
  return (
    <button
      type="button"
      class={`box s-${status ?? "PENDING"} ${status === null ? "absent" : ""} ${several ? "several" : ""}`}
      aria-pressed={selected}
      title={box.label}
      data-status={status ?? undefined}
      style={{
        transform: `translate(${place.x}px, ${place.y}px)`,
        width: `${BOX_WIDTH}px`,
        height: `${BOX_HEIGHT}px`,
      }}
      onClick={choose}
    >
      <StatusIcon status={status ?? "PENDING"} size={15} />
      <span class="clip grow">
        {label}
        <span class="visually-hidden"> {words.join(", ") || "not begun"}</span>
      </span>
      <span class="num muted">{done}</span>
      {several && (
        <span class="box-bar" aria-hidden="true">
          {Object.entries(counts).map(([each, count]) => (
            <i key={each} class={`s-${each}`} style={{ flexGrow: count }} />
          ))}
        </span>
      )}
    </button>
  );
}

const ATTENTION: Record<ExecutionStatus, number> = {
  FAILED: 0,
  RUNNING: 1,
  PENDING: 2,
  CANCELLED: 3,
  COMPLETED: 4,
  SKIPPED: 5,
};
const MOST_LISTED = 300;

function BoxSteps({
  box,
  state,
  select,
  close,
}: {
  box: Box;
  state: BoxState;
  select: (id: string) => void;
  close: () => void;
}) {
  const sorted = [...state.steps].sort(
    (a: Step, b: Step) => ATTENTION[a.status] - ATTENTION[b.status] || a.executionOrder - b.executionOrder,
  );
  return (
    <aside class="box-steps" aria-label={box.label}>
      <header class="row">
        <h2 class="clip grow">{box.label}</h2>
        <button type="button" class="button quiet icon" aria-label="Close" onClick={close}>
          <Cross />
        </button>
      </header>
      <ul>
        {sorted.slice(0, MOST_LISTED).map((step) => (
          <li key={step.id}>
            <button type="button" class="row" onClick={() => select(step.id)}>
              <StatusBadge status={step.status} />
              <span class="clip grow">{step.name}</span>
              <span class="num muted">{step.durationSeconds === null ? "" : formatDuration(step.durationSeconds)}</span>
            </button>
          </li>
        ))}
        {sorted.length === 0 && <li class="muted">None of them has begun.</li>}
        {sorted.length > MOST_LISTED && <li class="muted">and {sorted.length - MOST_LISTED} more, on the timeline</li>}
      </ul>
    </aside>
  );
}
