// The scripts in load/: a file there is a scenario, and its first line says what it answers.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const FOLDER = join(import.meta.dirname, "..", "..", "load");

export interface Known {
  readonly name: string;
  readonly purpose: string;
}

export const scenarios = (): Known[] =>
  readdirSync(FOLDER)
    .filter(file => file.endsWith(".ts"))
    .sort()
    .map(file => ({
      name: file.slice(0, -".ts".length),
      purpose: /^\/\/ (.*)/.exec(readFileSync(join(FOLDER, file), "utf8"))?.[1] ?? "",
    }));

export const listed = (known: readonly Known[]): string =>
  known.map(({ name, purpose }) => `  ${name.padEnd(14)}${purpose}`).join("\n");
