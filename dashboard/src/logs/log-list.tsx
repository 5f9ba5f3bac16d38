import type { ComponentChildren } from "preact";
import { useEffect, useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";
import type { RunHeaderFragment } from "../api/generated";
import { connection } from "../api/live";
import { formatExactCount } from "../ui/format";
import { ArrowDown, ArrowUp, Problem } from "../ui/icons";
import { useKeys } from "../ui/keys";
import { FailureNote, Note } from "../ui/note";
import { Download } from "./download-button";
import { LineDetails } from "./line-details";
import { LogLine } from "./log-line";
import { FilteredLog, type Line } from "./log-lines";
import type { LogModel } from "./log-model";
import { LogScroll } from "./log-scroll";

const NARROW = matchMedia("(max-width: 720px)");
const BEYOND = 30;

interface LogListProps {
  readonly model: LogModel;
  readonly run: RunHeaderFragment;
  readonly linked: number | null;
  readonly stepName: (id: string) => string | undefined;
  /** What all names of steps begin with, left out in the lines. */
  readonly prefix: string;
  readonly link: (line: number | null) => void;
  readonly children: ComponentChildren;
}

/** The entries of a log, of which only those in sight are drawn and loaded. */
export function LogList({ model, run, linked, stepName, prefix, link, children }: LogListProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const [following, setFollowing] = useState(linked === null);
  const [viewport, setViewport] = useState(600);
  const [selected, setSelected] = useState<number | null>(linked);
  const at = useRef(linked); // where keys go on from: two may come before anything is drawn again
  const [open, setOpen] = useState(false);
  const [said, setSaid] = useState("");
  const row = NARROW.matches ? 42 : 21;
  const pinned = useRef(following);
  pinned.current = following;

  model.version.value; // drawn again when lines come
  const { lines } = model;
  const scroll = new LogScroll(lines.count, row, viewport);
  const top = Math.min(scroller.current?.scrollTop ?? 0, scroll.last);
  const [from, to] = scroll.drawn(following ? scroll.last : top, BEYOND);

  useLayoutEffect(() => {
    const element = scroller.current!;
    const observer = new ResizeObserver(() => {
      setViewport(element.clientHeight);
      // Chromium may tell of lines put in only after they were laid out: then the end is further down than it was.
      if (pinned.current) element.scrollTop = element.scrollHeight;
    });
    observer.observe(element);
    observer.observe(element.firstElementChild!);
    return () => observer.disconnect();
  }, []);

  // To the end while following; and where a link points, once it can be.
  const pointed = useRef<number | null>(null);
  useLayoutEffect(() => {
    if (following) scroller.current!.scrollTop = scroll.last;
  }, [following, scroll.last, model.version.value]);
  useLayoutEffect(() => {
    if (linked === null || !model.ready.value || pointed.current === linked) return;
    pointed.current = linked;
    void go(linked);
  }, [linked, model.ready.value]);
  useEffect(() => {
    if (model.ready.value) model.ensure(from, to);
  });
  model.onPrepend = (count) => {
    const element = scroller.current;
    if (element && !following) requestAnimationFrame(() => (element.scrollTop += count * row));
  };

  const go = async (sequence: number) => {
    setFollowing(false);
    const index = await model.find(sequence);
    const element = scroller.current;
    if (index < 0 || !element) return;
    const placed = new LogScroll(model.lines.count, row, element.clientHeight);
    scrollTo(element, placed.middleOf(index));
    redraw(undefined as never);
  };

  const choose = (sequence: number) => {
    at.current = sequence;
    setSelected(sequence);
    pointed.current = sequence;
    link(sequence);
  };

  const onScroll = () => {
    const element = scroller.current!;
    const atEnd = element.scrollTop >= element.scrollHeight - element.clientHeight - row;
    const wholeEnd = !(lines instanceof FilteredLog) || !lines.hasAfter;
    setFollowing(
      atEnd && wholeEnd && (following || linked === null || selected !== linked || lines.count * row > viewport),
    );
    redraw(undefined as never);
  };

  useEffect(() => {
    const element = scroller.current!;
    const onWheel = (event: WheelEvent) => {
      if (scroll.stretch === 1 || event.deltaMode !== 0 || event.ctrlKey) return;
      event.preventDefault(); // a notch of the wheel is as many lines as in a short log
      element.scrollTop += Math.sign(event.deltaY) * Math.max(1, Math.abs(event.deltaY) / scroll.stretch);
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [scroll.stretch]);

  const here = () =>
    at.current ?? lines.lineAt(Math.ceil(scroll.first(scroller.current?.scrollTop ?? 0)))?.sequence ?? 0;
  const jump = async (direction: 1 | -1) => {
    const found = await model.error(here(), direction);
    if (found === null) {
      setSaid(direction === 1 ? "No further error" : "No earlier error");
      return;
    }
    setSaid(`Error at line ${formatExactCount(found)}`);
    choose(found);
    await go(found);
  };
  const move = (by: number) => {
    const index = at.current === null ? Math.floor(scroll.first(top)) : lines.indexOf(at.current) + by;
    const line = lines.lineAt(Math.min(lines.count - 1, Math.max(0, index)));
    if (!line) return;
    setFollowing(false);
    choose(line.sequence);
    const element = scroller.current!;
    const place = lines.indexOf(line.sequence);
    const first = scroll.first(element.scrollTop);
    if (place < first) element.scrollTop = scroll.topOf(place);
    else if (place > first + viewport / row - 2) element.scrollTop = scroll.topOf(place - viewport / row + 2);
  };
  const beginning = () => {
    setFollowing(false);
    void model.find(1).then(() => {
      if (scroller.current) scroller.current.scrollTop = 0;
    });
  };
  const end = async () => {
    if (lines instanceof FilteredLog && lines.hasAfter) await model.start(null);
    setFollowing(true);
    setSelected(null);
    at.current = null;
    link(null);
  };
  useKeys({
    e: () => void jump(1),
    E: () => void jump(-1),
    f: () => (following ? setFollowing(false) : void end()),
    g: beginning,
    G: () => void end(),
    j: () => move(1),
    k: () => move(-1),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    Enter: () => setOpen(selected !== null),
    Escape: () => setOpen(false),
    "/": () => document.querySelector<HTMLInputElement>(".log-bar input")?.focus(),
  });

  const drawn: [number, Line | undefined][] = [];
  for (let index = from; index < to; index++) drawn.push([index, lines.lineAt(index)]);
  const failure = model.failure.value;
  const details = open && selected !== null ? lines.lineAt(lines.indexOf(selected)) : undefined;
  return (
    <section class="logs" aria-label="Log">
      <div class="log-bar">
        {children}
        <span class="grow" />
        {run.logCounts.error > 0 && (
          <span class="row">
            <button type="button" class="button" title="Next error (e)" onClick={() => void jump(1)}>
              <Problem size={14} /> Next error
            </button>
            <button
              type="button"
              class="button icon"
              title="Previous error (E)"
              aria-label="Previous error"
              onClick={() => void jump(-1)}
            >
              <ArrowUp />
            </button>
          </span>
        )}
        <Download model={model} run={run} stepName={stepName} />
      </div>
      <div class="log-frame">
        <div
          class="log-scroller"
          ref={scroller}
          onScroll={onScroll}
          role="log"
          aria-label="Log entries"
          aria-live="off"
          tabIndex={0}
        >
          <div class="log-lines" style={{ height: `${scroll.height}px` }}>
            {drawn.map(([index, line]) => (
              <LogLine
                key={index}
                line={line}
                sequence={lines instanceof FilteredLog ? (line?.sequence ?? 0) : index + 1}
                top={scroll.place(index, following ? scroll.last : top)}
                height={row}
                run={run.id}
                step={line?.nodeExecutionId ? stepName(line.nodeExecutionId) : undefined}
                prefix={prefix}
                selected={line !== undefined && line.sequence === selected}
                choose={(sequence, opened) => {
                  setFollowing(false);
                  choose(sequence);
                  setOpen(opened);
                }}
              />
            ))}
          </div>
          {failure && lines.count === 0 && <FailureNote failure={failure} />}
          {!failure && model.ready.value && lines.count === 0 && <NoLines model={model} />}
        </div>
        {!following && lines.count * row > viewport && (
          <button type="button" class="button primary to-end" onClick={() => void end()} title="Follow the end (f)">
            <ArrowDown /> {model.complete.value ? "To the end" : "Follow"}
          </button>
        )}
      </div>
      {details && (
        <LineDetails
          line={details}
          run={run.id}
          step={details.nodeExecutionId ? stepName(details.nodeExecutionId) : undefined}
          close={() => setOpen(false)}
        />
      )}
      <div class="log-foot" role="status">
        <LogState model={model} following={following} />
        {said && <span>{said}</span>}
        {failure && lines.count > 0 && (
          <span class="problem-text">
            {failure.message} {failure.kind === "offline" && "Trying again."}
          </span>
        )}
        <span class="grow" />
        <span class="num">
          {formatExactCount(lines.count)}
          {lines instanceof FilteredLog && (lines.hasBefore || lines.hasAfter) ? " loaded" : ""}{" "}
          {lines.count === 1 ? "entry" : "entries"}
        </span>
      </div>
    </section>
  );
}

/** Scroll, and once more where the element had not been laid out yet with all its lines. */
function scrollTo(element: HTMLElement, top: number): void {
  element.scrollTop = top;
  if (Math.abs(element.scrollTop - top) > 1) requestAnimationFrame(() => (element.scrollTop = top));
}

function LogState({ model, following }: { model: LogModel; following: boolean }) {
  if (!model.ready.value) return <span>Loading…</span>;
  if (model.complete.value) return <span>Complete: the log has ended and this is all of it.</span>;
  if (connection.value === "reconnecting")
    return <span class="problem-text">Reconnecting; nothing will be missing.</span>;
  return <span>{following ? "Following the end." : "Live; not following."}</span>;
}

function NoLines({ model }: { model: LogModel }) {
  if (model.filter !== null)
    return (
      <Note title="No entry matches">
        <p>Entries that match from now on appear here by themselves.</p>
      </Note>
    );
  return (
    <Note title="No log entries yet">
      <p>{model.complete.value ? "The run ended without any." : "They appear here as the engine reports them."}</p>
    </Note>
  );
}
