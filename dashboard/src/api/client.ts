import { type AnyVariables, Client, fetchExchange, type TypedDocumentNode } from "@urql/core";
import { learnClock } from "./clock";
import { Failure, failureOf } from "./failure";
import { token } from "./session";

/** Set when the server wants a token, or another one. */
export let onUnauthenticated: () => void = () => {};

export function whenUnauthenticated(react: () => void): void {
  onUnauthenticated = react;
}

// No cache: what is shown lives in the models of the pages, which subscriptions keep current.
const client = new Client({
  url: "/graphql",
  exchanges: [fetchExchange],
  requestPolicy: "network-only",
  preferGetMethod: false,
  fetchOptions: (): RequestInit => (token.value ? { headers: { authorization: `Bearer ${token.value}` } } : {}),
  fetch: async (input, init) => {
    const response = await fetch(input, init);
    learnClock(response);
    return response;
  },
});

/** Ask, and give the data or throw a Failure. */
export async function query<Data, Variables extends AnyVariables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  return settled(await client.query(document, variables).toPromise());
}

/** Have something done, and give the data or throw a Failure. */
export async function mutate<Data, Variables extends AnyVariables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
): Promise<Data> {
  return settled(await client.mutation(document, variables).toPromise());
}

function settled<Data>(result: { data?: Data; error?: Parameters<typeof failureOf>[0] }): Data {
  if (result.error) {
    const failure = failureOf(result.error);
    if (failure.kind === "unauthenticated") onUnauthenticated();
    throw failure;
  }
  if (result.data === undefined || result.data === null) throw new Failure("broken", "The answer was empty.");
  return result.data;
}
