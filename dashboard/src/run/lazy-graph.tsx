import { signal } from "@preact/signals";
import type { ComponentProps } from "preact";
import { useEffect } from "preact/hooks";
import { Failure } from "../api/failure";
import { FailureNote, Note } from "../ui/note";

type Graph = typeof import("./graph-tab").GraphTab;

const graph = signal<{ readonly Tab: Graph } | null>(null);
const failure = signal<Failure | null>(null);

function load(): void {
  failure.value = null;
  import("./graph-tab").then(
    ({ GraphTab }) => {
      graph.value = { Tab: GraphTab };
    },
    () => {
      failure.value = new Failure("offline", "The graph could not be loaded.");
    },
  );
}

/** The graph, with the layout library that only it needs. */
export function LazyGraph(props: ComponentProps<Graph>) {
  useEffect(() => {
    if (graph.value === null) load();
  }, []);
  if (failure.value) return <FailureNote failure={failure.value} again={load} />;
  return graph.value ? <graph.value.Tab {...props} /> : <Note title="Loading…" />;
}
