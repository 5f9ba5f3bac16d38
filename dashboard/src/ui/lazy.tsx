import { signal } from "@preact/signals";
import type { ComponentChild, ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { Failure } from "../api/failure";
import { FailureNote } from "./note";

/**
 * A component whose code is loaded when it is first drawn: what comes with it (a library) is not waited for before.
 *
 * @param name of what is missing if that fails, as the beginning of a sentence
 * @param load gives the component
 * @param meanwhile is shown until it is there
 */
export function lazy<Props extends object>(
  name: string,
  load: () => Promise<ComponentType<Props>>,
  meanwhile: ComponentChild,
) {
  const loaded = signal<{ readonly Component: ComponentType<Props> } | null>(null);
  const failure = signal<Failure | null>(null);
  let loading = false;

  async function begin(): Promise<void> {
    if (loading || loaded.value) return;
    loading = true;
    failure.value = null;
    try {
      loaded.value = { Component: await load() };
    } catch {
      failure.value = new Failure("offline", `${name} could not be loaded.`);
    }
    loading = false;
  }

  return function Lazy(props: Props) {
    useEffect(() => void begin(), []);
    if (failure.value) return <FailureNote failure={failure.value} again={() => void begin()} />;
    return loaded.value ? <loaded.value.Component {...props} /> : <>{meanwhile}</>;
  };
}
