import { useEffect, useState } from "preact/hooks";
import { query } from "../api/client";
import { WorkflowNameDocument, WorkflowNamesDocument, type WorkflowNamesQuery } from "../api/generated";
import { formatTime, shortId } from "../ui/format";
import { Cross, Filter, Search, StatusIcon } from "../ui/icons";
import { STATUS_NAMES } from "../ui/status";
import { TRIGGER_NAMES } from "./run-row";
import { EVERYTHING, isFiltered, RANGES, type RangeName, RUN_STATUSES, type RunsView, TRIGGERS } from "./view";

interface FiltersProps {
  readonly view: RunsView;
  readonly change: (changes: Partial<RunsView>, replace?: boolean) => void;
}

const RANGE_NAMES: Record<RangeName, string> = {
  "1h": "Last hour",
  "24h": "Last 24 hours",
  "7d": "Last 7 days",
  "30d": "Last 30 days",
  "90d": "Last 90 days",
};
const ORDER_NAMES = {
  CREATED_AT: "By creation",
  STARTED_AT: "By start",
  ENDED_AT: "By end",
  DURATION: "By duration",
};
const MINIMA = [1, 10, 60, 600, 3_600];
const MINIMUM_NAMES: Record<number, string> = {
  1: "1 second",
  10: "10 seconds",
  60: "1 minute",
  600: "10 minutes",
  3600: "1 hour",
};
const PAUSE = 300;

export function Filters({ view, change }: FiltersProps) {
  const [open, setOpen] = useState(false);
  const toggle = <T,>(values: readonly T[], value: T) =>
    values.includes(value) ? values.filter((other) => other !== value) : [...values, value];
  const minima = view.minSeconds === null || MINIMA.includes(view.minSeconds) ? MINIMA : [...MINIMA, view.minSeconds];
  return (
    <search class={`filters ${open ? "open" : ""}`} aria-label="Filter the runs">
      <SearchField view={view} change={change} />
      <button
        type="button"
        class="button icon narrow-only"
        aria-expanded={open}
        aria-label="Filters"
        data-set={isFiltered(view) ? "" : undefined}
        onClick={() => setOpen(!open)}
      >
        <Filter />
      </button>
      <div class="filter-set">
        <fieldset class="segments">
          <legend class="visually-hidden">Status</legend>
          {RUN_STATUSES.map((status) => (
            <button
              key={status}
              type="button"
              aria-pressed={view.status.includes(status)}
              onClick={() => change({ status: toggle(view.status, status) })}
            >
              <StatusIcon status={status} size={14} />
              {STATUS_NAMES[status]}
            </button>
          ))}
        </fieldset>
        <select
          class="field"
          aria-label="Time"
          data-set={view.range || view.since || view.until ? "" : undefined}
          value={view.range ?? (view.since || view.until ? "own" : "")}
          onChange={(event) => {
            const { value } = event.currentTarget;
            if (value !== "own") change({ range: (value || null) as RangeName | null, since: null, until: null });
          }}
        >
          <option value="">All time</option>
          {Object.keys(RANGES).map((range) => (
            <option key={range} value={range}>
              {RANGE_NAMES[range as RangeName]}
            </option>
          ))}
          {(view.since || view.until) && <option value="own">{ownRange(view)}</option>}
        </select>
        <WorkflowField view={view} change={change} />
        <select
          class="field"
          aria-label="Trigger"
          data-set={view.trigger.length ? "" : undefined}
          value={view.trigger.length === 1 ? view.trigger[0] : view.trigger.length ? "several" : ""}
          onChange={(event) => {
            const chosen = TRIGGERS.filter((trigger) => trigger === event.currentTarget.value);
            change({ trigger: chosen });
          }}
        >
          <option value="">Trigger</option>
          {TRIGGERS.map((trigger) => (
            <option key={trigger} value={trigger}>
              {TRIGGER_NAMES[trigger]}
            </option>
          ))}
          {view.trigger.length > 1 && (
            <option value="several">{view.trigger.map((trigger) => TRIGGER_NAMES[trigger]).join(" or ")}</option>
          )}
        </select>
        <select
          class="field"
          aria-label="Duration"
          data-set={view.minSeconds === null ? undefined : ""}
          value={view.minSeconds ?? ""}
          onChange={(event) => change({ minSeconds: Number(event.currentTarget.value) || null })}
        >
          <option value="">Duration</option>
          {minima.map((seconds) => (
            <option key={seconds} value={seconds}>
              At least {MINIMUM_NAMES[seconds] ?? `${seconds} s`}
            </option>
          ))}
        </select>
        <button
          type="button"
          class="button"
          aria-pressed={view.errors}
          onClick={() => change({ errors: !view.errors })}
        >
          Has errors
        </button>
        {view.namespaces.map((namespace) => (
          <Chip
            key={namespace}
            label={`Namespace ${namespace}`}
            remove={() => change({ namespaces: view.namespaces.filter((other) => other !== namespace) })}
          />
        ))}
        {view.retryOf.length > 0 && (
          <Chip label={`Again of ${view.retryOf.map(shortId).join(", ")}`} remove={() => change({ retryOf: [] })} />
        )}
        {(view.order.field !== "CREATED_AT" || view.order.direction !== "DESC") && (
          <Chip
            label={`${ORDER_NAMES[view.order.field]}, ${view.order.direction === "ASC" ? "ascending" : "descending"}`}
            remove={() => change({ order: EVERYTHING.order })}
          />
        )}
        {isFiltered(view) && (
          <button
            type="button"
            class="button quiet icon"
            aria-label="Clear"
            title="Clear all filters"
            onClick={() => change({ ...EVERYTHING, order: view.order })}
          >
            <Cross />
          </button>
        )}
      </div>
    </search>
  );
}

function ownRange(view: RunsView): string {
  const now = Date.now();
  const from = view.since ? formatTime(view.since, now) : "…";
  return `${from} – ${view.until ? formatTime(view.until, now) : "now"}`;
}

function Chip({ label, remove }: { label: string; remove: () => void }) {
  return (
    <span class="chip">
      {label}
      <button type="button" aria-label={`Remove: ${label}`} onClick={remove}>
        <Cross size={12} />
      </button>
    </span>
  );
}

function SearchField({ view, change }: FiltersProps) {
  const [text, setText] = useState(view.search);
  useEffect(() => setText(view.search), [view.search]);
  useEffect(() => {
    if (text.trim() === view.search) return;
    const timer = setTimeout(() => change({ search: text.trim() }, true), PAUSE);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label class="search-field">
      <Search size={14} />
      <span class="visually-hidden">Search</span>
      <input
        class="field"
        type="search"
        placeholder="Search runs"
        title="Text in the workflow's name or the error, or the beginning of a run's id"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
      />
      <kbd class="wide-only">/</kbd>
    </label>
  );
}

type Named = WorkflowNamesQuery["workflows"]["nodes"][number];

/** Choose a workflow; the names are asked for when somebody wants to choose. */
function WorkflowField({ view, change }: FiltersProps) {
  const [names, setNames] = useState<readonly Named[] | null>(null);
  const [chosen, setChosen] = useState<readonly Named[]>([]);
  const load = async () => {
    try {
      setNames((await query(WorkflowNamesDocument, {})).workflows.nodes);
    } catch {
      setNames(null); // asked again when the field is opened again
    }
  };
  useEffect(() => {
    let gone = false;
    const asked = view.workflows.map((id) => query(WorkflowNameDocument, { id }));
    Promise.all(asked).then(
      (answers) => !gone && setChosen(answers.map(({ workflow }) => workflow).filter((one) => one !== null)),
      () => {},
    );
    return () => {
      gone = true;
    };
  }, [view.workflows.join()]);
  const others = (names ?? []).filter(({ id }) => !view.workflows.includes(id));
  const label = view.workflows.map((id) => chosen.find((one) => one.id === id)?.name ?? shortId(id)).join(" or ");
  return (
    <select
      class="field workflow-field"
      aria-label="Workflow"
      data-set={view.workflows.length ? "" : undefined}
      value={view.workflows.length ? "chosen" : ""}
      onPointerDown={load}
      onFocus={load}
      onChange={(event) => {
        const { value } = event.currentTarget;
        if (value !== "chosen") change({ workflows: value ? [value] : [] });
      }}
    >
      <option value="">Workflow</option>
      {view.workflows.length > 0 && <option value="chosen">{label}</option>}
      {others.map(({ id, name, namespace }) => (
        <option key={id} value={id}>
          {namespace === "default" ? name : `${name} (${namespace})`}
        </option>
      ))}
    </select>
  );
}
