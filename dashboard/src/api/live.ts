import { signal } from "@preact/signals";
import { stringifyDocument, type TypedDocumentNode } from "@urql/core";
import { type Client, createClient } from "graphql-ws";
import { onUnauthenticated } from "./client";
import { Failure, failureOfErrors, type GraphQLErrorLike } from "./failure";
import { token } from "./session";

export type Connection = "idle" | "connecting" | "live" | "reconnecting";

/** How the one WebSocket for everything that is followed fares. */
export const connection = signal<Connection>("idle");

const FIRST_WAIT = 300;
const LONGEST_WAIT = 5_000;
const UNAUTHORIZED = new Set([4401, 4403]);

let client: Client | null = null;
let wake: () => void = () => {};

function connected(): Client {
  if (client) return client;
  const opened = createClient({
    url: `${location.origin.replace(/^http/, "ws")}/graphql`,
    connectionParams: () => (token.value ? { authorization: `Bearer ${token.value}` } : {}),
    lazyCloseTimeout: 1_000,
    keepAlive: 10_000,
    retryAttempts: Number.POSITIVE_INFINITY,
    shouldRetry: (reason) => !(reason instanceof CloseEvent && UNAUTHORIZED.has(reason.code)),
    retryWait: (attempt) => wait(Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** attempt) * (0.75 + Math.random() / 2)),
    connectionAckWaitTimeout: 10_000,
  });
  let active: WebSocket | null = null;
  let pong: ReturnType<typeof setTimeout> | undefined;
  opened.on("connecting", (again) => {
    connection.value = again || connection.value === "reconnecting" ? "reconnecting" : "connecting";
  });
  opened.on("connected", (socket) => {
    active = socket as WebSocket;
    connection.value = "live";
  });
  opened.on("ping", (received) => {
    // A peer that is gone without a word answers no ping: then we hang up ourselves.
    if (!received) pong = setTimeout(() => active?.close(4408, "Request Timeout"), 5_000);
  });
  opened.on("pong", (received) => {
    if (received) clearTimeout(pong);
  });
  opened.on("closed", (event) => {
    clearTimeout(pong);
    const code = event instanceof CloseEvent ? event.code : 0;
    if (UNAUTHORIZED.has(code)) onUnauthenticated();
    connection.value = code === 1000 || UNAUTHORIZED.has(code) ? "idle" : "reconnecting";
  });
  client = opened;
  return opened;
}

/** Wait, but not longer than until the browser is online or looked at again. */
function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}
addEventListener("online", () => wake());
document.addEventListener("visibilitychange", () => !document.hidden && wake());

/** Hang up; whoever follows something next connects with the token of then. */
export function disconnect(): void {
  void client?.dispose();
  client = null;
  connection.value = "idle";
}

export interface Follower<Data> {
  next(data: Data): void;
  failed(failure: Failure): void;
  complete?(): void;
}

/**
 * Follow a subscription until the returned function is called. After a lost connection it is sent again by itself
 * with the variables of then: pass an object with a getter, and it resumes where it got to.
 */
export function follow<Data, Variables extends object>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  follower: Follower<Data>,
): () => void {
  let done = false;
  const stop = connected().subscribe<Data>(
    { query: stringifyDocument(document), variables: variables as Record<string, unknown> },
    {
      next: (result) => {
        if (done) return;
        if (result.errors) {
          done = true;
          follower.failed(failureOfErrors(result.errors as readonly GraphQLErrorLike[]));
          stop();
        } else if (result.data) {
          follower.next(result.data);
        }
      },
      error: (error) => {
        if (done) return;
        done = true;
        follower.failed(
          Array.isArray(error)
            ? failureOfErrors(error as GraphQLErrorLike[])
            : new Failure("offline", "The live connection was closed by the server."),
        );
      },
      complete: () => {
        if (done) return;
        done = true;
        follower.complete?.();
      },
    },
  );
  return () => {
    done = true;
    stop();
  };
}
