import { stringifyDocument } from "@urql/core";
import { type Plugin, runnerImport } from "vite";

/**
 * Writes every document that the dashboard sends, as it sends it, by its name: for a server that executes nothing but
 * the documents it trusts.
 */
export function documents(): Plugin {
  return {
    name: "documents",
    apply: "build",
    async generateBundle() {
      const { module } =
        await runnerImport<Record<string, Parameters<typeof stringifyDocument>[0]>>("./src/api/generated.ts");
      const texts = Object.entries(module).filter(([name]) => name.endsWith("Document"));
      if (texts.length === 0) this.error("src/api/generated.ts has no documents");
      const manifest = Object.fromEntries(texts.map(([name, document]) => [name, stringifyDocument(document)]));
      this.emitFile({ type: "asset", fileName: "documents.json", source: JSON.stringify(manifest, null, 1) });
    },
  };
}
