import { useEffect, useMemo, useState } from "preact/hooks";
import type { RunHeaderFragment } from "../api/generated";
import { navigate, place, withParameters } from "../router";
import type { RunModel } from "../run/run-model";
import { shortId } from "../ui/format";
import { Cross, Search } from "../ui/icons";
import { LogList } from "./log-list";
import { LogModel } from "./log-model";
import { LEVELS, type LogView, parseLogView, toLogFilter } from "./log-view-state";

const PAUSE = 300;
const LEVEL_NAMES = {
  DEBUG: "All levels",
  INFO: "Info and above",
  WARNING: "Warnings and errors",
  ERROR: "Errors only",
};

export function LogsTab({ run, model }: { run: RunHeaderFragment; model: RunModel }) {
  const at = place.value;
  const view = useMemo(() => parseLogView(at.search), [at.search]);
  const filter = toLogFilter(view);
  const key = JSON.stringify(filter);
  const logs = useMemo(() => new LogModel(run.id, filter), [run.id, key]);
  useEffect(() => {
    void logs.start(view.line);
    return () => logs.end();
  }, [logs]);
  const change = (changes: Record<string, string | null>) =>
    navigate(withParameters(at, { line: null, ...changes }), { replace: true });
  return (
    <LogList
      key={key}
      model={logs}
      run={run}
      linked={view.line}
      stepName={(id) => model.steps.value.get(id)?.name}
      prefix={model.prefix.value}
      link={(line) =>
        navigate(withParameters(place.value, { line: line === null ? null : String(line) }), { replace: true })
      }
    >
      <SearchField view={view} change={change} />
      <select
        class="field"
        aria-label="Level"
        data-set={view.level ? "" : undefined}
        value={view.level ?? "DEBUG"}
        onChange={(event) => {
          const level = event.currentTarget.value;
          change({ level: level === "DEBUG" ? null : level.toLowerCase() });
        }}
      >
        {LEVELS.map((level) => (
          <option key={level} value={level}>
            {LEVEL_NAMES[level]}
          </option>
        ))}
      </select>
      {view.step && <StepChip view={view} model={model} run={run} change={change} />}
    </LogList>
  );
}

interface FieldProps {
  readonly view: LogView;
  readonly change: (changes: Record<string, string | null>) => void;
}

function SearchField({ view, change }: FieldProps) {
  const [text, setText] = useState(view.search);
  useEffect(() => setText(view.search), [view.search]);
  useEffect(() => {
    if (text.trim() === view.search) return;
    const timer = setTimeout(() => change({ q: text.trim() || null }), PAUSE);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <label class="search-field">
      <Search size={14} />
      <span class="visually-hidden">Find in messages</span>
      <input
        class="field"
        type="search"
        placeholder="Find in messages"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
      />
    </label>
  );
}

function StepChip({ view, model, run, change }: FieldProps & { model: RunModel; run: RunHeaderFragment }) {
  const step = model.steps.value.get(view.step!);
  const attempts = (step?.retryCount ?? 0) + 1;
  return (
    <>
      <span class="chip">
        <a class="clip" href={`/runs/${run.id}?step=${view.step}`} title="Show the step">
          {step?.name ?? shortId(view.step!)}
        </a>
        <button type="button" aria-label="Logs of all steps" onClick={() => change({ step: null, attempt: null })}>
          <Cross size={12} />
        </button>
      </span>
      {(attempts > 1 || view.attempt !== null) && (
        <select
          class="field"
          aria-label="Attempt"
          value={view.attempt ?? ""}
          onChange={(event) => change({ attempt: event.currentTarget.value || null })}
        >
          <option value="">All attempts</option>
          {Array.from({ length: attempts }, (_, index) => (
            <option key={index} value={index + 1}>
              Attempt {index + 1}
            </option>
          ))}
        </select>
      )}
    </>
  );
}
