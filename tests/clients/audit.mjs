// Runs the audits of graphql-http's `serverAudits` against a server and prints each result as a line of JSON.
import { serverAudits } from 'graphql-http';

const [, , url, token] = process.argv;
const fetchFn = (input, init = {}) => {
  const headers = { ...init.headers, ...(token ? { authorization: `Bearer ${token}` } : {}) };
  return fetch(input, { ...init, headers });
};
for (const audit of serverAudits({ url, fetchFn })) {
  const { id, name } = audit;
  const { status, reason } = await audit.fn();
  console.log(JSON.stringify({ id, name, status, reason }));
}
