import { defineConfig } from "vitest/config";
import { documents } from "./documents";

export default defineConfig({
  plugins: [documents()],
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: {
    outDir: "../graphql_api/static/dashboard",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 4_000, // GraphiQL's editor
    rolldownOptions: {
      input: ["index.html", "graphiql.html"],
      checks: { moduleLevelDirective: false }, // "use client" in what GraphiQL is made of means nothing here
    },
  },
  server: {
    proxy: { "/graphql": { target: process.env.EXECGRAPH_URL ?? "http://127.0.0.1:8000", ws: true } },
  },
  test: { include: ["src/**/*.test.ts"] },
});
