import type { CodegenConfig } from "@graphql-codegen/cli";

const config: CodegenConfig = {
  schema: "../schema.graphql",
  documents: "src/**/*.graphql",
  silent: true,
  generates: {
    "src/api/generated.ts": {
      plugins: ["typescript-operations", "typed-document-node"],
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        skipTypename: true,
        optimizeDocumentNode: true,
        scalars: { UUID: "string", DateTime: "string", JSON: "unknown" },
      },
    },
  },
};

export default config;
