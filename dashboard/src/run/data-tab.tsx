import { useEffect, useState } from "preact/hooks";
import { query } from "../api/client";
import type { Failure } from "../api/failure";
import { RunDataDocument, type RunDataQuery, type RunHeaderFragment } from "../api/generated";
import { Json } from "../ui/json";
import { FailureNote, Note } from "../ui/note";

const PARTS = [
  ["inputData", "Input"],
  ["outputData", "Output"],
  ["context", "Context"],
  ["metadata", "Metadata"],
] as const;

/** What a run was given, what it gave, and what is noted about it. */
export function DataTab({ run }: { run: RunHeaderFragment }) {
  const [data, setData] = useState<RunDataQuery["workflowExecution"]>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  useEffect(() => {
    let gone = false;
    query(RunDataDocument, { id: run.id }).then(
      ({ workflowExecution }) => {
        if (gone) return;
        setData(workflowExecution);
        setFailure(null);
      },
      (problem) => !gone && setFailure(problem),
    );
    return () => {
      gone = true;
    };
  }, [run.id, run.status]);
  if (data === null) return failure ? <FailureNote failure={failure} /> : <Note title="Loading…" />;
  return (
    <div class="data-tab">
      {PARTS.map(([name, label]) => (
        <section key={name} class="panel" aria-labelledby={`data-${name}`}>
          <h2 id={`data-${name}`}>{label}</h2>
          {isEmpty(data[name]) ? <p class="muted">None</p> : <Json value={data[name]} label={label} />}
        </section>
      ))}
    </div>
  );
}

export function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || (typeof value === "object" && Object.keys(value).length === 0);
}
