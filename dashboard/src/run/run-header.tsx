import type { ComponentChildren } from "preact";
import type { RunHeaderFragment } from "../api/generated";
import { Problems, Trigger } from "../runs/run-row";
import { Copyable } from "../ui/copyable";
import { shortId } from "../ui/format";
import { ChevronLeft, Problem } from "../ui/icons";
import { StatusBadge, StepBar } from "../ui/status";
import { Duration, Time } from "../ui/time";
import { RunActions } from "./run-actions";
import type { RunModel } from "./run-model";

export function RunHeader({ model, run }: { model: RunModel; run: RunHeaderFragment }) {
  const counts = run.nodeStatusCounts;
  return (
    <header class="run-header">
      <div class="title">
        <a class="button quiet icon back" href="/" aria-label="Back to the runs" title="Back to the runs (h)">
          <ChevronLeft />
        </a>
        <h1 class="clip" title={run.workflow.name}>
          <a href={`/?workflow=${run.workflowId}`} title="All runs of this workflow">
            {run.workflow.name}
          </a>
        </h1>
        <StatusBadge status={run.status} filled />
        <span class="grow" />
        <RunActions model={model} run={run} />
      </div>
      <dl class="facts">
        <Fact name="Run">
          <Copyable text={run.id} shown={shortId(run.id)} />
        </Fact>
        <Fact name="Duration">
          <Duration of={run} />
        </Fact>
        <Fact name="Started">
          <Time value={run.startedAt} empty="not yet" />
        </Fact>
        {run.endedAt ? (
          <Fact name="Ended" class="wide-only">
            <Time value={run.endedAt} />
          </Fact>
        ) : (
          <Fact name="Created">
            <Time value={run.createdAt} />
          </Fact>
        )}
        <Fact name="Trigger">
          <Trigger type={run.triggerType} />
        </Fact>
        <Fact name="Version" class="wide-only">
          <span class="num">{run.workflowVersion}</span>
        </Fact>
        {run.namespace !== "default" && <Fact name="Namespace">{run.namespace}</Fact>}
        {run.retryOf && (
          <Fact name="Again of">
            <a class="mono" href={`/runs/${run.retryOf.id}`}>
              {shortId(run.retryOf.id)}
            </a>
          </Fact>
        )}
        {run.parent && (
          <Fact name="Started by">
            <a href={`/runs/${run.parent.workflowExecutionId}?step=${run.parent.id}`}>
              {run.parent.workflowExecution.workflow.name} › {run.parent.name}
            </a>
          </Fact>
        )}
        <Fact name="Steps" class="wide">
          <span class="row">
            <StepBar counts={counts} />
            <span class="num">
              {counts.completed}/{counts.total}
            </span>
          </span>
        </Fact>
        {run.logCounts.error + run.logCounts.warning > 0 && (
          <Fact name="Problems">
            <span class="row">
              <Problems errors={run.logCounts.error} warnings={run.logCounts.warning} />
            </span>
          </Fact>
        )}
      </dl>
      {run.errorMessage && (
        <div class="alert">
          <Problem />
          <pre>{run.errorMessage}</pre>
        </div>
      )}
    </header>
  );
}

interface FactProps {
  readonly name: string;
  readonly class?: string;
  readonly children: ComponentChildren;
}

function Fact({ name, class: className, children }: FactProps) {
  return (
    <div class={className}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
