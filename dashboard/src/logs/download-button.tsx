import { useEffect, useRef, useState } from "preact/hooks";
import type { RunHeaderFragment } from "../api/generated";
import { formatCount } from "../ui/format";
import { Cross, Download as DownloadIcon } from "../ui/icons";
import { type Format, linesOf, save } from "./download";
import type { LogModel } from "./log-model";

interface DownloadProps {
  readonly model: LogModel;
  readonly run: RunHeaderFragment;
  readonly stepName: (id: string) => string | undefined;
}

/** What the filter selects as a file, fetched page by page. */
export function Download({ model, run, stepName }: DownloadProps) {
  const [done, setDone] = useState<number | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const stopped = useRef(false);
  useEffect(() => {
    stopped.current = false;
    return () => {
      stopped.current = true;
    };
  }, []);
  const download = async (format: Format) => {
    stopped.current = false;
    setProblem(null);
    setDone(0);
    const parts: string[] = [];
    let count = 0;
    try {
      for await (const lines of model.all()) {
        if (stopped.current) return;
        parts.push(linesOf(lines, format, stepName));
        count += lines.length;
        setDone(count);
      }
      save(parts, `${run.id}.${format === "text" ? "log" : "ndjson"}`, format);
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      setDone(null);
    }
  };
  if (done !== null)
    return (
      <button type="button" class="button" onClick={() => (stopped.current = true)} title="Stop">
        <Cross size={13} />
        <span class="num" role="status">
          {formatCount(done)} loaded
        </span>
      </button>
    );
  return (
    <>
      {problem && (
        <span class="problem-text" role="alert">
          {problem}
        </span>
      )}
      <span class="segments download">
        <button type="button" title="Download as text" onClick={() => void download("text")}>
          <DownloadIcon size={14} /> Text
        </button>
        <button type="button" title="Download as NDJSON, with everything" onClick={() => void download("ndjson")}>
          NDJSON
        </button>
      </span>
    </>
  );
}
