import { useEffect, useState } from "preact/hooks";
import { mutate, query } from "../api/client";
import type { Failure } from "../api/failure";
import { RetryStepDocument, StepDocument, type StepQuery } from "../api/generated";
import { mayAct } from "../api/permissions";
import { Confirm } from "../ui/confirm";
import { Copyable } from "../ui/copyable";
import { formatExactCount, shortId } from "../ui/format";
import { Cross, Problem, Retry } from "../ui/icons";
import { Json } from "../ui/json";
import { FailureNote, Note } from "../ui/note";
import { StatusBadge } from "../ui/status";
import { Duration, Time } from "../ui/time";
import { isEmpty } from "./data-tab";
import { refusal } from "./run-actions";
import type { RunModel } from "./run-model";

type Whole = NonNullable<StepQuery["nodeExecution"]>;

interface PanelProps {
  readonly id: string;
  readonly model: RunModel;
  readonly close: () => void;
}

/** Everything about one step, beside the view it was chosen in. */
export function StepPanel({ id, model, close }: PanelProps) {
  const [whole, setWhole] = useState<Whole | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [missing, setMissing] = useState(false);
  const row = model.steps.value.get(id);
  useEffect(() => {
    let gone = false;
    query(StepDocument, { id }).then(
      ({ nodeExecution }) => {
        if (gone) return;
        setWhole(nodeExecution);
        setMissing(nodeExecution === null);
        setFailure(null);
      },
      (problem) => !gone && setFailure(problem),
    );
    return () => {
      gone = true;
    };
  }, [id, row?.revision]);
  const step = row ?? whole;
  return (
    <aside class="step-panel" aria-label="Step">
      <header>
        <div class="row">
          <h2 class="clip grow" title={step?.name}>
            {step?.name ?? "Step"}
          </h2>
          <button type="button" class="button quiet icon" aria-label="Close" title="Close (Esc)" onClick={close}>
            <Cross />
          </button>
        </div>
        {step && (
          <div class="row">
            <StatusBadge status={step.status} filled />
            <span class="muted">
              <Duration of={step} />
            </span>
            <span class="grow" />
            {whole && <RetryButton step={{ ...whole, ...step }} running={model.run.value?.status === "RUNNING"} />}
          </div>
        )}
      </header>
      {failure && <FailureNote failure={failure} />}
      {missing && <Note title="There is no such step" />}
      {!whole && !failure && !missing && <Note title="Loading…" />}
      {whole && <Details step={{ ...whole, ...row }} run={model.id} />}
    </aside>
  );
}

function Details({ step, run }: { step: Whole; run: string }) {
  return (
    <div class="details">
      {step.errorMessage && (
        <div class="alert">
          <Problem />
          <pre>{step.errorMessage}</pre>
        </div>
      )}
      <a class="button" href={`/runs/${run}/logs?step=${step.id}`}>
        Logs of this step
        <span class="num muted">{formatExactCount(step.logCounts.total)}</span>
      </a>
      <dl class="facts">
        <div>
          <dt>Started</dt>
          <dd>
            <Time value={step.startedAt} empty="not yet" />
          </dd>
        </div>
        <div>
          <dt>Ended</dt>
          <dd>
            <Time value={step.endedAt} />
          </dd>
        </div>
        {(step.key ?? step.node?.key) && (
          <div>
            <dt>Key</dt>
            <dd>
              <Copyable text={step.key ?? step.node!.key} />
            </dd>
          </div>
        )}
        {step.node?.nodeType && (
          <div>
            <dt>Type</dt>
            <dd>{step.node.nodeType}</dd>
          </div>
        )}
        <div>
          <dt>Id</dt>
          <dd>
            <Copyable text={step.id} shown={shortId(step.id)} />
          </dd>
        </div>
      </dl>
      {step.childExecutions.nodes.length > 0 && (
        <section>
          <h3>Runs it started</h3>
          <ul class="children">
            {step.childExecutions.nodes.map((child) => (
              <li key={child.id} class="row">
                <StatusBadge status={child.status} />
                <a class="clip grow" href={`/runs/${child.id}`}>
                  {child.workflow.name}
                </a>
                <Time value={child.createdAt} />
              </li>
            ))}
          </ul>
          {step.childExecutions.pageInfo.hasNextPage && <p class="muted">and more</p>}
        </section>
      )}
      {step.attempts.length > 0 && (
        <section>
          <h3>{step.attempts.length === 1 ? "Attempt" : "Attempts"}</h3>
          <ol class="attempts">
            {step.attempts.toReversed().map((attempt) => (
              <li key={attempt.attempt}>
                <div class="row">
                  <span class="num muted">{attempt.attempt}</span>
                  <StatusBadge status={attempt.status} />
                  <span class="grow" />
                  <Time value={attempt.startedAt} empty="not started" />
                  <span class="lasted">
                    <Duration of={attempt} />
                  </span>
                </div>
                {attempt.errorMessage && <pre class="message">{attempt.errorMessage}</pre>}
              </li>
            ))}
          </ol>
        </section>
      )}
      <Part title="Input" value={step.inputData} />
      <Part title="Output" value={step.outputData} />
      {step.node && !isEmpty(step.node.config) && <Part title="Configuration" value={step.node.config} />}
      {step.node && !isEmpty(step.node.retryConfig) && <Part title="Retries" value={step.node.retryConfig} />}
    </div>
  );
}

function Part({ title, value }: { title: string; value: unknown }) {
  return (
    <section>
      <h3>{title}</h3>
      {isEmpty(value) ? <p class="muted">None</p> : <Json value={value} label={title} />}
    </section>
  );
}

function RetryButton({ step, running }: { step: Whole; running: boolean }) {
  const [asking, setAsking] = useState(false);
  if (!mayAct.value || step.status !== "FAILED" || !running) return null;
  const force = !step.canRetry;
  return (
    <>
      <button type="button" class="button" onClick={() => setAsking(true)}>
        <Retry size={14} /> Retry
      </button>
      {asking && (
        <Confirm
          title={`Retry ${step.name}?`}
          confirm={force ? "Retry all the same" : "Retry"}
          dismiss="Not now"
          close={() => setAsking(false)}
          act={async (key) =>
            refusal((await mutate(RetryStepDocument, { id: step.id, force, key })).retryNodeExecution)
          }
        >
          <p class="muted">
            The step becomes pending again and its engine may take it up; the attempts so far are kept.
            {force && " It has used up the retries its definition allows."}
          </p>
        </Confirm>
      )}
    </>
  );
}
