import type { ExecutionStatus, RunRowFragment } from "../api/generated";
import { plural } from "./format";
import { StatusIcon } from "./icons";

export const STATUS_NAMES: Record<ExecutionStatus, string> = {
  PENDING: "Pending",
  RUNNING: "Running",
  COMPLETED: "Completed",
  FAILED: "Failed",
  CANCELLED: "Cancelled",
  SKIPPED: "Skipped",
};

export const TERMINAL: ReadonlySet<ExecutionStatus> = new Set(["COMPLETED", "FAILED", "CANCELLED", "SKIPPED"]);

export function StatusBadge({ status, filled = false }: { status: ExecutionStatus; filled?: boolean }) {
  return (
    <span class={`badge s-${status} ${filled ? "filled" : ""}`}>
      <StatusIcon status={status} />
      {STATUS_NAMES[status]}
    </span>
  );
}

type NodeStatusCounts = RunRowFragment["nodeStatusCounts"];

const BAR: readonly [keyof Omit<NodeStatusCounts, "total">, ExecutionStatus][] = [
  ["completed", "COMPLETED"],
  ["failed", "FAILED"],
  ["running", "RUNNING"],
  ["cancelled", "CANCELLED"],
  ["skipped", "SKIPPED"],
  ["pending", "PENDING"],
];

/** How many steps are in which state, as a bar. */
export function StepBar({ counts }: { counts: NodeStatusCounts }) {
  const parts = BAR.filter(([name]) => counts[name] > 0);
  const words = counts.total
    ? `${plural(counts.total, "step")}: ${parts.map(([name]) => `${counts[name]} ${name}`).join(", ")}`
    : "No steps yet";
  return (
    <span class="step-bar" role="img" aria-label={words} title={words}>
      {parts.map(([name, status]) => (
        <span key={name} class={`s-${status}`} style={{ flexGrow: counts[name] }} />
      ))}
    </span>
  );
}
