import { shortened } from "../run/step-names";
import { formatLogTime, formatUtc } from "../ui/format";
import { AnsiText } from "./ansi-text";
import type { Line } from "./log-lines";

const LONGEST = 2_000;

interface LineProps {
  readonly line: Line | undefined;
  readonly sequence: number;
  readonly top: number;
  readonly height: number;
  readonly run: string;
  readonly step: string | undefined;
  readonly prefix: string;
  readonly selected: boolean;
  readonly choose: (sequence: number, open: boolean) => void;
}

/** One entry on one line; all of it is shown below the list when it is clicked. */
export function LogLine({ line, sequence, top, height, run, step, prefix, selected, choose }: LineProps) {
  const style = { transform: `translateY(${top}px)`, height: `${height}px` };
  if (!line)
    return (
      <div class="log-line waiting" style={style}>
        <span class="sequence num">{sequence || ""}</span>
      </div>
    );
  const end = line.message.indexOf("\n");
  const first = (end < 0 ? line.message : line.message.slice(0, end)).slice(0, LONGEST);
  const further = end < 0 ? 0 : line.message.split("\n").length - 1;
  return (
    <div
      class={`log-line l-${line.level} ${selected ? "selected" : ""}`}
      style={style}
      data-sequence={line.sequence}
      onClick={(event) => {
        if (getSelection()?.isCollapsed === false) return; // somebody marks text
        event.preventDefault();
        choose(line.sequence, true);
      }}
    >
      <a
        class="sequence num"
        href={`/runs/${run}/logs?line=${line.sequence}`}
        title="Link to this line"
        tabIndex={-1}
        onClick={(event) => {
          if (event.metaKey || event.ctrlKey || event.shiftKey) return;
          event.preventDefault();
          event.stopPropagation();
          choose(line.sequence, false);
        }}
      >
        {line.sequence}
      </a>
      <time class="num" dateTime={line.timestamp} title={formatUtc(line.timestamp)}>
        {formatLogTime(line.timestamp)}
      </time>
      <span class="level">{line.level}</span>
      <span class="step clip" title={step}>
        {step && shortened(step, prefix)}
      </span>
      <span class="message clip">
        <AnsiText text={first} />
        {further > 0 && <span class="tag">+{further} lines</span>}
        {line.data !== null && line.data !== undefined && <span class="data"> {summary(line.data)}</span>}
      </span>
    </div>
  );
}

function summary(data: unknown): string {
  const text = JSON.stringify(data);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
