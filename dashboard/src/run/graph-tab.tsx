import type { RunModel } from "./run-model";

export function GraphTab(_: { model: RunModel; selected: string | null; select: (id: string) => void }) {
  return null;
}
