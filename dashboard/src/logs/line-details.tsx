import { Copyable } from "../ui/copyable";
import { formatUtc } from "../ui/format";
import { Cross, Link } from "../ui/icons";
import { Json } from "../ui/json";
import { Time } from "../ui/time";
import { stripAnsi } from "./ansi";
import { AnsiText } from "./ansi-text";
import type { Line } from "./log-lines";

interface DetailsProps {
  readonly line: Line;
  readonly run: string;
  readonly step: string | undefined;
  readonly close: () => void;
}

/** All of one entry. */
export function LineDetails({ line, run, step, close }: DetailsProps) {
  return (
    <aside class={`line-details l-${line.level}`} aria-label={`Entry ${line.sequence}`}>
      <header class="row">
        <span class="level">{line.level}</span>
        <span class="num">Line {line.sequence}</span>
        <Time value={line.timestamp} />
        <span class="muted num wide-only">{formatUtc(line.timestamp)}</span>
        {line.nodeExecutionId && (
          <a class="clip" href={`/runs/${run}?step=${line.nodeExecutionId}`}>
            {step ?? "Its step"}
          </a>
        )}
        {line.attempt !== null && line.attempt > 1 && <span class="tag">Attempt {line.attempt}</span>}
        <span class="grow" />
        <Copyable text={stripAnsi(line.message)} shown="Message" label="Copy the message" />
        <span class="row link">
          <Link size={13} />
          <Copyable
            text={`${location.origin}/runs/${run}/logs?line=${line.sequence}`}
            shown="Link"
            label="Copy a link"
          />
        </span>
        <button type="button" class="button quiet icon" aria-label="Close" title="Close (Esc)" onClick={close}>
          <Cross />
        </button>
      </header>
      <div class="whole">
        <pre tabIndex={0} role="group" aria-label="Message">
          <AnsiText text={line.message} />
        </pre>
        {line.data !== null && line.data !== undefined && <Json value={line.data} label="Data" />}
      </div>
    </aside>
  );
}
