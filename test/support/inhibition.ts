// Which alerts the Alertmanager holds back while others fire: its inhibition rules as data, and what they mean
// (https://prometheus.io/docs/alerting/latest/configuration/#inhibit_rule).
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { root, type Labels } from "./rules.ts";

interface Rule {
  readonly source_matchers: readonly string[];
  readonly target_matchers: readonly string[];
  readonly equal?: readonly string[];
}

export function inhibitRules(): Rule[] {
  const file = join(root, "monitoring", "alertmanager", "alertmanager.yml");
  return (parse(readFileSync(file, "utf8")) as { inhibit_rules: Rule[] }).inhibit_rules;
}

/** @throws SyntaxError for a matcher that these rules do not need */
export function matcherOf(matcher: string): { label: string; matches: (value: string) => boolean } {
  const [, label, operator, value] = /^(\w+)(=~?)"([^"]*)"$/.exec(matcher) ?? [];
  if (label === undefined || value === undefined) throw new SyntaxError(`${matcher} cannot be read`);
  const whole = new RegExp(`^(?:${value})$`);
  return { label, matches: operator === "=" ? given => given === value : given => whole.test(given) };
}

const fits = (alert: Labels, matchers: readonly string[]): boolean =>
  matchers.map(matcherOf).every(({ label, matches }) => matches(alert[label] ?? ""));

/** Those of the alerts that another one of them holds back. */
export const heldBack = (firing: readonly Labels[], rules: readonly Rule[]): Labels[] =>
  firing.filter(target =>
    rules.some(
      ({ source_matchers: source, target_matchers, equal = [] }) =>
        fits(target, target_matchers) &&
        firing.some(
          other => fits(other, source) && equal.every(label => (other[label] ?? "") === (target[label] ?? "")),
        ),
    ),
  );
