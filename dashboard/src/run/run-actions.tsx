import { useState } from "preact/hooks";
import { mutate, query } from "../api/client";
import {
  CancelRunDocument,
  DeleteRunDocument,
  RunAgainDocument,
  RunDataDocument,
  type RunHeaderFragment,
} from "../api/generated";
import { mayAct, mayDelete } from "../api/permissions";
import { navigate } from "../router";
import { Confirm } from "../ui/confirm";
import { Retry, Stop, Trash } from "../ui/icons";
import { TERMINAL } from "../ui/status";
import type { RunModel } from "./run-model";

type Action = "cancel" | "again" | "delete";

/** What a mutation answers: what was asked for, or why it was refused. */
export function refusal(result: { __typename: string; message?: string }): string | null {
  return "message" in result && result.message !== undefined ? result.message : null;
}

export function RunActions({ model, run }: { model: RunModel; run: RunHeaderFragment }) {
  const [action, setAction] = useState<Action | null>(null);
  if (!mayAct.value) return null;
  const ended = TERMINAL.has(run.status);
  const close = () => setAction(null);
  return (
    <div class="row actions">
      {!ended && (
        <button type="button" class="button" onClick={() => setAction("cancel")}>
          <Stop size={13} /> Cancel
        </button>
      )}
      {ended && (
        <button type="button" class="button" onClick={() => setAction("again")}>
          <Retry size={14} /> Run again
        </button>
      )}
      {mayDelete.value && (
        <button type="button" class="button danger" onClick={() => setAction("delete")}>
          <Trash size={14} /> Delete
        </button>
      )}
      {action === "cancel" && <CancelDialog run={run} close={close} />}
      {action === "again" && <AgainDialog run={run} close={close} />}
      {action === "delete" && <DeleteDialog model={model} run={run} close={close} />}
    </div>
  );
}

interface DialogProps {
  readonly run: RunHeaderFragment;
  readonly close: () => void;
}

function CancelDialog({ run, close }: DialogProps) {
  const [reason, setReason] = useState("");
  return (
    <Confirm
      title="Cancel this run?"
      confirm="Cancel the run"
      dismiss="Keep it running"
      danger
      close={close}
      act={async (key) =>
        refusal(
          (await mutate(CancelRunDocument, { id: run.id, reason: reason.trim() || null, key })).cancelWorkflowExecution,
        )
      }
    >
      <p class="muted">
        Its unfinished steps are cancelled too. The engine learns of it and stops; this cannot be undone, but the run
        can be run again.
      </p>
      <label>
        Reason, for whoever wonders later
        <input
          class="field"
          value={reason}
          maxLength={1_000}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
      </label>
    </Confirm>
  );
}

function AgainDialog({ run, close }: DialogProps) {
  return (
    <Confirm
      title="Run this again?"
      confirm="Run again"
      dismiss="Not now"
      close={close}
      act={async (key) => {
        const { workflowExecution: data } = await query(RunDataDocument, { id: run.id });
        const input = {
          workflowId: run.workflowId,
          workflowVersion: run.workflowVersion,
          triggerType: "MANUAL" as const,
          retryOfId: run.id,
          inputData: data?.inputData ?? null,
          context: data?.context ?? null,
          metadata: data?.metadata ?? null,
        };
        const { createWorkflowExecution: made } = await mutate(RunAgainDocument, { input, key });
        if (made.__typename === "WorkflowExecution") navigate(`/runs/${made.id}`);
        return refusal(made);
      }}
    >
      <p class="muted">
        This makes a new pending run of version {run.workflowVersion} of {run.workflow.name} with the same input; it
        starts when an engine takes it up. This run stays as it is.
      </p>
    </Confirm>
  );
}

function DeleteDialog({ model, run, close }: DialogProps & { model: RunModel }) {
  return (
    <Confirm
      title="Delete this run?"
      confirm="Delete for ever"
      dismiss="Keep it"
      danger
      close={close}
      act={async (key) => {
        const refused = refusal((await mutate(DeleteRunDocument, { id: run.id, key })).deleteWorkflowExecution);
        if (refused === null) {
          model.end();
          navigate("/", { replace: true });
        }
        return refused;
      }}
    >
      <p class="muted">
        The run, its {run.nodeStatusCounts.total.toLocaleString("en")} steps and its{" "}
        {run.logCounts.total.toLocaleString("en")} log entries are gone then, for everybody. This cannot be undone.
      </p>
    </Confirm>
  );
}
