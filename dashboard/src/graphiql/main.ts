// GraphiQL, served by the server itself: where there is no way to the outside it works all the same.
import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import "./graphiql.css";
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { createElement } from "react";
import { createRoot } from "react-dom/client";

const WELCOME = `# What the engines are doing: press the play button, or Ctrl+Enter.

query Runs {
  workflowExecutions(first: 10) {
    nodes {
      id
      status
      workflow { name }
      logCounts { warning error }
    }
  }
}
`;

const fetcher = createGraphiQLFetcher({
  url: location.pathname,
  subscriptionUrl: `${location.origin.replace(/^http/, "ws")}${location.pathname}`,
});
const page = createElement(GraphiQL, { fetcher, defaultQuery: WELCOME, defaultEditorToolsVisibility: "variables" });
const root = document.getElementById("graphiql");
if (root) createRoot(root).render(page);
