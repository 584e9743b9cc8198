// Where dashboards and traces look for log lines in Loki, Alloy puts them.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "@jest/globals";
import { parse } from "yaml";
import { boards, linksOf } from "../../support/dashboards/panels.ts";
import { root } from "../../support/rules.ts";

const monitoring = (...path: string[]): string => readFileSync(join(root, "monitoring", ...path), "utf8");

/** Of the lines that Alloy sends, with their value where it is always the same. */
function labelsOfAlloy(): Map<string, string | null> {
  const text = monitoring("alloy", "config.alloy");
  const relabelled = [...text.matchAll(/rule \{([^}]*)\}/g)].map(([, rule = ""]): [string, string | null] => {
    const [, label = ""] = /target_label\s*=\s*"(\w+)"/.exec(rule) ?? [];
    const isFixed = !rule.includes("source_labels");
    return [label, isFixed ? (/replacement\s*=\s*"([^"]*)"/.exec(rule)?.[1] ?? "") : null];
  });
  const [, staged = ""] = /stage\.labels \{\s*values = \{([^}]*)\}/.exec(text) ?? [];
  return new Map([...relabelled, ...[...staged.matchAll(/(\w+) =/g)].map(([, label = ""]) => [label, null] as const)]);
}

interface Query {
  readonly datasource: string;
  readonly queries: readonly { readonly expr?: string }[];
}

/** LogQL of every link of the dashboards into the logs. */
function linked(): string[] {
  const panes = boards
    .flatMap(linksOf)
    .flatMap(({ url = "" }) => new URL(url, "http://grafana").searchParams.get("panes") ?? [])
    .map(text => (JSON.parse(text) as { a: Query }).a);
  return panes
    .filter(({ datasource }) => datasource === "${logs}")
    .flatMap(({ queries }) => queries.map(({ expr = "" }) => expr));
}

interface Provisioning {
  readonly datasources: readonly { readonly jsonData: { readonly tracesToLogsV2?: { readonly query: string } } }[];
}
const fromSpans = (): string[] =>
  (parse(monitoring("grafana", "provisioning", "datasources", "comptoir.yml")) as Provisioning).datasources.flatMap(
    ({ jsonData }) => jsonData.tracesToLogsV2?.query ?? [],
  );

/** What a query's stream selector asks for and no line has. */
const missing = (query: string, there: ReadonlyMap<string, string | null>): string[] =>
  [...(/^\{([^}]*)\}/.exec(query)?.[1] ?? "").matchAll(/(\w+)="([^"]*)"/g)].flatMap(([matcher, label = "", value]) => {
    const said = there.get(label);
    return said === undefined || (said !== null && said !== value) ? [matcher] : [];
  });

it("Every link into the logs, from a panel or from a span, asks for labels that Alloy sets", () => {
  const there = labelsOfAlloy();
  const asked = [...linked(), ...fromSpans()];
  expect(asked.length).toBeGreaterThan(10);
  expect(asked.filter(query => !/^\{\w/.test(query))).toEqual([]);
  expect([...new Set(asked.flatMap(query => missing(query, there)))]).toEqual([]);
});
