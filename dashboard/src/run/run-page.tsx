import { useEffect, useLayoutEffect, useMemo } from "preact/hooks";
import { LogsTab } from "../logs/logs-tab";
import { navigate, place, withParameters } from "../router";
import { plural } from "../ui/format";
import { useKeys } from "../ui/keys";
import { lazy } from "../ui/lazy";
import { FailureNote, Note } from "../ui/note";
import { STATUS_NAMES } from "../ui/status";
import { DataTab } from "./data-tab";
import { RunHeader } from "./run-header";
import { RunModel } from "./run-model";
import { StepPanel } from "./step-panel";
import { Timeline } from "./timeline";

const GraphTab = lazy(
  "The graph",
  () => import("./graph-tab").then(({ GraphTab }) => GraphTab),
  <Note title="Loading…" />,
);

const TABS = ["timeline", "graph", "logs", "data"] as const;
const TAB_NAMES = { timeline: "Timeline", graph: "Graph", logs: "Logs", data: "Data" };

export function RunPage({ id, tab }: { id: string; tab: string }) {
  const model = useMemo(() => new RunModel(id), [id]);
  useLayoutEffect(() => {
    model.start();
    return () => model.end();
  }, [model]);
  const at = place.value;
  const parameters = new URLSearchParams(at.search);
  const stepId = parameters.get("step");
  const run = model.run.value;
  const failure = model.failure.value;

  useEffect(() => {
    document.title = run ? `${STATUS_NAMES[run.status]}: ${run.workflow.name} · execgraph` : "Run · execgraph";
  }, [run?.status, run?.workflow.name]);

  const tabHref = (name: string) => `/runs/${id}${name === "timeline" ? "" : `/${name}`}`;
  const openStep = (step: string | null) => navigate(withParameters(at, { step }), { replace: stepId !== null });
  useKeys({
    ...Object.fromEntries(TABS.map((name, index) => [String(index + 1), () => navigate(tabHref(name))])),
    Escape: () => {
      if (stepId !== null && tab !== "logs") openStep(null);
    },
  });

  if (run === null || failure?.kind === "not-found")
    return (
      <main id="main" class="page" tabIndex={-1}>
        {failure?.kind === "not-found" ? (
          <Note alone title="There is no such run">
            <p>It was deleted, or there never was one with the id {id}.</p>
            <a class="button" href="/">
              To the runs
            </a>
          </Note>
        ) : failure ? (
          <FailureNote failure={failure} again={() => model.again()} />
        ) : (
          <Note alone title="Loading…" />
        )}
      </main>
    );
  const panel = stepId !== null && tab !== "logs" && tab !== "data";
  return (
    <main id="main" class={`page run ${panel ? "with-panel" : ""}`} tabIndex={-1}>
      <RunHeader model={model} run={run} />
      {failure && <FailureNote failure={failure} again={() => model.again()} />}
      <nav class="tabs" aria-label="Views of the run">
        {TABS.map((name) => (
          <a key={name} href={tabHref(name)} aria-current={name === tab ? "page" : undefined}>
            {TAB_NAMES[name]}
            {name === "logs" && run.logCounts.total > 0 && (
              <span class="count num" title={plural(run.logCounts.total, "entry").replace("entrys", "entries")}>
                {run.logCounts.total.toLocaleString("en")}
              </span>
            )}
          </a>
        ))}
      </nav>
      <div class="run-body">
        <div class="run-view">
          {tab === "timeline" && <Timeline model={model} run={run} selected={stepId} select={openStep} />}
          {tab === "graph" && <GraphTab model={model} selected={stepId} select={openStep} />}
          {tab === "logs" && <LogsTab run={run} model={model} />}
          {tab === "data" && <DataTab run={run} />}
        </div>
        {panel && <StepPanel key={stepId} id={stepId} model={model} close={() => openStep(null)} />}
      </div>
    </main>
  );
}
