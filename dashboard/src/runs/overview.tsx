import type { RunsModel } from "./runs-model";
import type { RunsView } from "./view";

export function Overview(_: { view: RunsView; model: RunsModel; change: (changes: Partial<RunsView>) => void }) {
  return <section class="overview panel" aria-label="Runs over time" />;
}
