import type { CombinedError } from "@urql/core";

export type FailureKind = "offline" | "unauthenticated" | "forbidden" | "not-found" | "refused" | "broken";

/** Why something could not be had, in words for people. */
export class Failure extends Error {
  constructor(
    readonly kind: FailureKind,
    message: string,
  ) {
    super(message);
  }
}

const KINDS: Record<string, FailureKind> = {
  UNAUTHENTICATED: "unauthenticated",
  FORBIDDEN: "forbidden",
  NOT_FOUND: "not-found",
  BAD_USER_INPUT: "refused",
  GRAPHQL_VALIDATION_FAILED: "refused",
  UNAVAILABLE: "offline",
};

export interface GraphQLErrorLike {
  readonly message: string;
  readonly extensions?: Readonly<Record<string, unknown>> | undefined;
}

export function failureOfErrors(errors: readonly GraphQLErrorLike[]): Failure {
  const first = errors[0];
  const code = String(first?.extensions?.code ?? "");
  const id = first?.extensions?.errorId;
  const message = first?.message ?? "Unknown error";
  return new Failure(KINDS[code] ?? "broken", id ? `${message} (error ${String(id)})` : message);
}

export function failureOf(error: CombinedError): Failure {
  const status = (error.response as Response | undefined)?.status;
  if (error.graphQLErrors.length > 0) return failureOfErrors(error.graphQLErrors);
  if (status === 401) return new Failure("unauthenticated", "The server asks for a token.");
  if (status === 403) return new Failure("forbidden", "Your token does not allow this.");
  if (status !== undefined && status < 500) return new Failure("broken", `The server answered with status ${status}.`);
  return new Failure("offline", "The server cannot be reached.");
}
