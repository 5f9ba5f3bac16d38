import type {
  RunRowFragment,
  TriggerType,
  WorkflowExecutionOrder,
  WorkflowExecutionOrderField,
} from "../api/generated";
import { formatCount, plural, shortId } from "../ui/format";
import { ArrowDown, ArrowUp, Bolt, Clock, Hand, Problem, Retry, Warning } from "../ui/icons";
import { StatusBadge, StepBar } from "../ui/status";
import { Duration, Time } from "../ui/time";
import type { RunsView } from "./view";

export type RowOrder = WorkflowExecutionOrder & { direction: "ASC" | "DESC" };

const COLUMNS: readonly [string, string, WorkflowExecutionOrderField | null][] = [
  ["status", "Status", null],
  ["workflow", "Workflow", null],
  ["trigger", "Trigger", null],
  ["created", "Created", "CREATED_AT"],
  ["started", "Started", "STARTED_AT"],
  ["duration", "Duration", "DURATION"],
  ["steps", "Steps", null],
  ["problems", "Problems", null],
];

export function RunsHead({ order, change }: { order: RowOrder; change: (changes: Partial<RunsView>) => void }) {
  return (
    <div role="rowgroup" class="runs-head">
      <div role="row" class="run-grid">
        {COLUMNS.map(([name, label, field]) => {
          const sorted = field !== null && field === order.field;
          const Arrow = order.direction === "ASC" ? ArrowUp : ArrowDown;
          return (
            <span
              key={name}
              role="columnheader"
              class={name}
              aria-sort={sorted ? (order.direction === "ASC" ? "ascending" : "descending") : undefined}
            >
              {field === null ? (
                label
              ) : (
                <button
                  type="button"
                  onClick={() =>
                    change({ order: { field, direction: sorted && order.direction === "DESC" ? "ASC" : "DESC" } })
                  }
                >
                  {label}
                  {sorted && <Arrow size={12} />}
                </button>
              )}
            </span>
          );
        })}
      </div>
    </div>
  );
}

export const TRIGGER_NAMES: Record<TriggerType, string> = { SCHEDULE: "Schedule", EVENT: "Event", MANUAL: "Manual" };
const TRIGGER_ICONS = { SCHEDULE: Clock, EVENT: Bolt, MANUAL: Hand };

export function Trigger({ type }: { type: TriggerType }) {
  const Icon = TRIGGER_ICONS[type];
  return (
    <span class="row muted trigger-name">
      <Icon size={13} />
      {TRIGGER_NAMES[type]}
    </span>
  );
}

interface RowProps {
  readonly run: RunRowFragment;
  readonly index: number;
  readonly top: number;
  readonly height: number;
  readonly onFocus: (id: string) => void;
}

export const RunRow = ({ run, index, top, height, onFocus }: RowProps) => (
  <div
    role="row"
    class="run-grid run-row"
    aria-rowindex={index + 2}
    data-run={run.id}
    data-status={run.status}
    style={{ transform: `translateY(${top}px)`, height: `${height}px` }}
  >
    <span role="cell" class="status">
      <StatusBadge status={run.status} />
    </span>
    <span role="cell" class="workflow">
      <a href={`/runs/${run.id}`} class="clip" onFocus={() => onFocus(run.id)} title={run.workflow.name}>
        {run.workflow.name}
      </a>
      <span class="mono muted id" title={run.id}>
        {shortId(run.id)}
      </span>
      {run.retryOf && (
        <span class="tag" title={`Runs ${run.retryOf.id} again`}>
          <Retry size={11} /> again
        </span>
      )}
      {run.errorMessage && (
        <span class="message clip" title={run.errorMessage.slice(0, 2_000)}>
          {run.errorMessage.slice(0, 200)}
        </span>
      )}
    </span>
    <span role="cell" class="trigger">
      <Trigger type={run.triggerType} />
    </span>
    <span role="cell" class="created">
      <Time value={run.createdAt} />
    </span>
    <span role="cell" class="started">
      <Time value={run.startedAt} empty="not yet" />
    </span>
    <span role="cell" class="duration">
      <Duration of={run} />
    </span>
    <span role="cell" class="steps">
      <StepBar counts={run.nodeStatusCounts} />
      <span class="num muted">
        {run.nodeStatusCounts.total > 0 && `${run.nodeStatusCounts.completed}/${run.nodeStatusCounts.total}`}
      </span>
    </span>
    <span role="cell" class="problems">
      <Problems errors={run.logCounts.error} warnings={run.logCounts.warning} />
    </span>
  </div>
);

export function Problems({ errors, warnings }: { errors: number; warnings: number }) {
  return (
    <>
      {errors > 0 && (
        <span class="row problem s-FAILED num" title={plural(errors, "error")}>
          <Problem size={13} />
          {formatCount(errors)}
          <span class="visually-hidden"> errors</span>
        </span>
      )}
      {warnings > 0 && (
        <span class="row problem warning num" title={plural(warnings, "warning")}>
          <Warning size={13} />
          {formatCount(warnings)}
          <span class="visually-hidden"> warnings</span>
        </span>
      )}
    </>
  );
}
