import type {
  ExecutionStatus,
  TriggerType,
  WorkflowExecutionFilter,
  WorkflowExecutionOrder,
  WorkflowExecutionOrderField,
} from "../api/generated";

export const RUN_STATUSES = ["PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"] as const;
export const TRIGGERS = ["SCHEDULE", "EVENT", "MANUAL"] as const;
export const ORDER_FIELDS = ["CREATED_AT", "STARTED_AT", "ENDED_AT", "DURATION"] as const;

/** Times back from now that can be chosen, in milliseconds. */
export const RANGES = {
  "1h": 3_600_000,
  "24h": 86_400_000,
  "7d": 7 * 86_400_000,
  "30d": 30 * 86_400_000,
  "90d": 90 * 86_400_000,
} as const;
export type RangeName = keyof typeof RANGES;

/** Which runs are looked at, and in which order: what the address bar says after the question mark. */
export interface RunsView {
  readonly search: string;
  readonly status: readonly ExecutionStatus[];
  readonly trigger: readonly TriggerType[];
  readonly workflows: readonly string[];
  readonly namespaces: readonly string[];
  readonly retryOf: readonly string[];
  readonly errors: boolean;
  readonly minSeconds: number | null;
  readonly range: RangeName | null;
  readonly since: string | null;
  readonly until: string | null;
  readonly order: WorkflowExecutionOrder & { readonly direction: "ASC" | "DESC" };
}

export const EVERYTHING: RunsView = {
  search: "",
  status: [],
  trigger: [],
  workflows: [],
  namespaces: [],
  retryOf: [],
  errors: false,
  minSeconds: null,
  range: null,
  since: null,
  until: null,
  order: { field: "CREATED_AT", direction: "DESC" },
};

const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Read an address; what makes no sense in it is left out, so that no link is ever broken. */
export function parseView(search: string): RunsView {
  const parameters = new URLSearchParams(search);
  const list = (name: string) => (parameters.get(name) ?? "").split(",").filter((part) => part !== "");
  const oneOf = <T extends string>(name: string, values: readonly T[]) => {
    const given = new Set(list(name).map((part) => part.toUpperCase()));
    return values.filter((value) => given.has(value));
  };
  const [field, direction] = (parameters.get("order") ?? "").toUpperCase().split("-");
  const seconds = Number(parameters.get("min") || "x");
  const range = parameters.get("range") ?? "";
  return {
    search: (parameters.get("q") ?? "").trim(),
    status: oneOf("status", RUN_STATUSES),
    trigger: oneOf("trigger", TRIGGERS),
    workflows: list("workflow").filter((id) => ID.test(id)),
    namespaces: list("ns"),
    retryOf: list("retryOf").filter((id) => ID.test(id)),
    errors: parameters.get("errors") === "1",
    minSeconds: Number.isFinite(seconds) && seconds > 0 ? seconds : null,
    range: Object.hasOwn(RANGES, range) ? (range as RangeName) : null,
    since: instant(parameters.get("since")),
    until: instant(parameters.get("until")),
    order: {
      field: ORDER_FIELDS.find((known) => known === field) ?? ("CREATED_AT" satisfies WorkflowExecutionOrderField),
      direction: direction === "ASC" ? "ASC" : "DESC",
    },
  };
}

function instant(text: string | null): string | null {
  const time = Date.parse(text ?? "");
  return Number.isNaN(time) ? null : new Date(time).toISOString();
}

/** The address of a view, without what goes without saying. */
export function formatView(view: RunsView): string {
  const parameters = new URLSearchParams();
  const set = (name: string, value: string) => value && parameters.set(name, value);
  set("q", view.search);
  set("status", view.status.join(",").toLowerCase());
  set("trigger", view.trigger.join(",").toLowerCase());
  set("workflow", view.workflows.join(","));
  set("ns", view.namespaces.join(","));
  set("retryOf", view.retryOf.join(","));
  set("errors", view.errors ? "1" : "");
  set("min", view.minSeconds === null ? "" : String(view.minSeconds));
  set("range", view.range ?? "");
  set("since", view.since ?? "");
  set("until", view.until ?? "");
  const { field, direction } = view.order;
  if (field !== "CREATED_AT" || direction !== "DESC") set("order", `${field}-${direction}`.toLowerCase());
  return parameters.toString().replaceAll("%2C", ",").replaceAll("%3A", ":");
}

/** What to ask the API for. `now` fixes what "the last hour" is, so that all pages of a list mean the same. */
export function toFilter(view: RunsView, now: number): WorkflowExecutionFilter {
  const filter: WorkflowExecutionFilter = {};
  if (view.search) filter.search = view.search;
  if (view.status.length) filter.status = [...view.status];
  if (view.trigger.length) filter.triggerType = [...view.trigger];
  if (view.workflows.length) filter.workflowIds = [...view.workflows];
  if (view.namespaces.length) filter.namespaces = [...view.namespaces];
  if (view.retryOf.length) filter.retryOfIds = [...view.retryOf];
  if (view.errors) filter.hasErrors = true;
  if (view.minSeconds !== null) filter.minDurationSeconds = view.minSeconds;
  if (view.range) filter.createdSince = new Date(now - RANGES[view.range]).toISOString();
  else {
    if (view.since) filter.createdSince = view.since;
    if (view.until) filter.createdUntil = view.until;
  }
  return filter;
}

/** Whether anything but the order is other than it goes without saying. */
export function isFiltered(view: RunsView): boolean {
  return formatView({ ...view, order: EVERYTHING.order }) !== "";
}
