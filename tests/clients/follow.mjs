// Follows the log of a run with one of the clients that dashboards use, and prints each result as a line of JSON.
// node follow.mjs graphql-ws|graphql-sse PORT RUN
import { createClient as overEvents } from 'graphql-sse';
import { createClient as overWebSocket } from 'graphql-ws';
import WebSocket from 'ws';

const [name, port, run] = process.argv.slice(2);
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const retry = { retryAttempts: 1000, retryWait: () => new Promise((done) => setTimeout(done, 100)) };
const retryOverEvents = { retryAttempts: 1000, retry: retry.retryWait };

const client =
  name === 'graphql-ws'
    ? overWebSocket({
        url: `ws://127.0.0.1:${port}/graphql`,
        webSocketImpl: WebSocket,
        on: { connected: () => print({ connected: true }), closed: ({ code }) => print({ closed: code }) },
        ...retry,
      })
    : overEvents({
        url: `http://127.0.0.1:${port}/graphql`,
        on: { connected: () => print({ connected: true }) },
        ...retryOverEvents,
      });

// Both clients send the request anew after a cut: `after` says from where on.
const variables = { run, after: 0 };
const query = `subscription ($run: UUID!, $after: Int!) {
  executionLogs(workflowExecutionId: $run, after: $after) { entries { sequence message } lastSequence complete }
}`;

client.subscribe(
  { query, variables },
  {
    next(result) {
      if (result.data) variables.after = result.data.executionLogs.lastSequence;
      print(result);
    },
    error(error) {
      print({ error: Array.isArray(error) ? error : String(error) });
      process.exit(1);
    },
    complete() {
      print({ complete: true });
      process.exit(0);
    },
  },
);
