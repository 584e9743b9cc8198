// Reads settings by name out of an environment and collects every problem it meets.
import { readFileSync } from "node:fs";
import { nearest, type Parse } from "./config-values.ts";

/** Every problem of the environment at once, one line each. */
export class ConfigError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

export type Values = Readonly<Record<string, string | undefined>>;

/** These may also come as NAME_FILE, which names a file that holds the value; what they hold is never shown. */
const secrets = [
  "COMPTOIR_ADMIN_PASSWORD",
  "NATS_URL",
  "NATS_PASSWORD",
  "NATS_TOKEN",
  "MONGO_URL",
  "MONGO_PASSWORD",
  "KAFKA_PASSWORD",
  "SMTP_URL",
];

/** An address may carry a user and a password. */
const withoutUser = (text: string): string => text.replace(/\/\/[^/?#\s]*@/, "//***@");

export class Source {
  readonly problems: string[] = [];
  readonly #values: Values;
  readonly #known = new Set<string>();

  constructor(values: Values) {
    this.#values = values;
  }

  /** An empty value counts as not set: that is how Compose files pass what nobody gave. */
  raw(name: string): string | undefined {
    this.#known.add(name);
    if (!secrets.includes(name)) return this.#values[name] || undefined;
    const fileName = `${name}_FILE`;
    this.#known.add(fileName);
    const value = this.#values[name] || undefined;
    const isInFile = Boolean(this.#values[fileName]);
    if (!isInFile) return value;
    if (value === undefined) return this.file(fileName);
    this.#refuse(`${name} and ${fileName} are both set: set one of them`);
    return value;
  }

  read<T, F = T>(name: string, parse: Parse<T>, fallback: F): T | F {
    const text = this.raw(name);
    if (text === undefined) return fallback;
    const result = parse(text);
    if ("value" in result) return result.value;
    const shown = secrets.includes(name) ? "has a bad value" : `is "${withoutUser(text)}"`;
    this.#refuse(`${name} ${shown}: ${result.problem}`);
    return fallback;
  }

  /** What the file holds that the setting names, without the line end; undefined when it is not set or cannot be read. */
  file(name: string): string | undefined {
    this.#known.add(name);
    const file = this.#values[name] || undefined;
    if (file === undefined) return undefined;
    try {
      return readFileSync(file, "utf8").trimEnd();
    } catch (error) {
      this.#refuse(`${name} is "${file}": cannot be read (${error instanceof Error ? error.message : "unknown"})`);
      return undefined;
    }
  }

  refuseUnknown(): void {
    for (const name of Object.keys(this.#values)) {
      if (!name.startsWith("COMPTOIR_") || this.#known.has(name)) continue;
      const known = [...this.#known].filter(other => other.startsWith("COMPTOIR_"));
      this.#refuse(`${name} is not a setting: did you mean ${nearest(name, known)}? Known: ${known.join(", ")}`);
    }
  }

  /** Once each: a setting may be looked at twice. */
  #refuse(problem: string): void {
    if (!this.problems.includes(problem)) this.problems.push(problem);
  }
}
