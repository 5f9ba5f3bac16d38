import { computed, signal } from "@preact/signals";
import { query } from "../api/client";
import { Failure } from "../api/failure";
import {
  RunChangedDocument,
  RunDocument,
  type RunHeaderFragment,
  type RunQuery,
  type StepRowFragment,
} from "../api/generated";
import { follow } from "../api/live";
import { commonPrefix } from "./step-names";
import { buildTree } from "./step-tree";

export type Definition = NonNullable<RunQuery["workflowExecution"]>["definition"];
export type Step = StepRowFragment;

/** A run and its steps: everything as it was and as it becomes comes from one subscription, resumed by revision. */
export class RunModel {
  readonly run = signal<RunHeaderFragment | null>(null);
  readonly definition = signal<Definition | null>(null);
  readonly failure = signal<Failure | null>(null);
  /** Whether all steps there were at the beginning have come. */
  readonly whole = signal(false);
  readonly steps = signal<ReadonlyMap<string, Step>>(new Map());
  /** What the names of all steps begin with. */
  readonly prefix = computed(() => commonPrefix([...this.steps.value.values()].map(({ name }) => name)));
  readonly tree = computed(() => buildTree([...this.steps.value.values()]));

  private revision = 0;
  private stopped = false;
  private stop: () => void = () => {};
  private retry: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly id: string) {}

  start(): void {
    void this.look();
    this.listen();
  }

  end(): void {
    this.stopped = true;
    clearTimeout(this.retry);
    this.stop();
  }

  /** After an action of ours on a run that had ended, or when trying again: look once more. */
  again(): void {
    this.failure.value = null;
    this.end();
    this.stopped = false;
    this.start();
  }

  private listen(): void {
    const model = this;
    const variables = {
      id: this.id,
      get after() {
        return model.revision;
      },
    };
    this.stop = follow(RunChangedDocument, variables, {
      next: ({ workflowExecutionChanged: { workflowExecution, nodeExecutions, revision } }) => {
        if (nodeExecutions.length) this.take(nodeExecutions);
        this.revision = revision;
        this.offer(workflowExecution);
        // Larger runs arrive in several events; the last one gets to the run's own revision.
        this.whole.value ||= revision >= workflowExecution.revision || nodeExecutions.length < 1_000;
      },
      failed: (failure) => this.fail(failure),
      complete: () => {
        this.whole.value = true;
      },
    });
  }

  private async look(): Promise<void> {
    try {
      const { workflowExecution } = await query(RunDocument, { id: this.id });
      if (this.stopped) return;
      if (workflowExecution === null) {
        this.fail(new Failure("not-found", "It was deleted, or there never was one with this id."));
        return;
      }
      this.definition.value = workflowExecution.definition;
      this.offer(workflowExecution);
    } catch (failure) {
      this.fail(failure);
    }
  }

  private offer(run: RunHeaderFragment): void {
    const known = this.run.value;
    if (known === null || known.revision <= run.revision) this.run.value = run;
  }

  private take(changed: readonly Step[]): void {
    const steps = new Map(this.steps.value);
    for (const step of changed) {
      const known = steps.get(step.id);
      if (known === undefined || known.revision <= step.revision) steps.set(step.id, step);
    }
    this.steps.value = steps;
  }

  private fail(failure: unknown): void {
    if (this.stopped) return;
    const shown = failure instanceof Failure ? failure : new Failure("broken", String(failure));
    if (shown.kind === "offline") {
      this.retry = setTimeout(() => {
        void this.look();
      }, 2_000);
      if (this.run.value === null) this.failure.value = shown;
      return;
    }
    this.failure.value = shown;
  }
}
