// What an alert asks for, for a panel that has to say the same.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

const root = join(import.meta.dirname, "..", "..", "..");

interface Rules {
  readonly groups: readonly { readonly rules: readonly { readonly alert?: string; readonly expr: string }[] }[];
}

/** @param file in monitoring/prometheus/rules. @returns the expressions of all alerts of that name */
export function expressionsOf(alert: string, file: string): string[] {
  const { groups } = parse(readFileSync(join(root, "monitoring", "prometheus", "rules", file), "utf8")) as Rules;
  return groups.flatMap(({ rules }) => rules.flatMap(rule => (rule.alert === alert ? [rule.expr] : [])));
}
