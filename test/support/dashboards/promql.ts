// What a PromQL expression says, by the grammar that Prometheus' own editor uses.
import { parser } from "@prometheus-io/lezer-promql";
import type { SyntaxNode } from "@lezer/common";

interface Selector {
  readonly metric: string;
  /** That its matchers name. */
  readonly labels: readonly string[];
  /** `rate`, `increase`, …: the function right around it, if it takes a range. */
  readonly ranged: string | null;
}

export interface Grouping {
  /** `by`, `on` and so on. */
  readonly labels: readonly string[];
  /** The metrics that it is about. */
  readonly metrics: readonly string[];
}

export interface Parsed {
  /** Where it is no PromQL, with what stands there. */
  readonly errors: readonly string[];
  readonly selectors: readonly Selector[];
  readonly groupings: readonly Grouping[];
  /** Labels that label_replace makes. */
  readonly made: readonly string[];
}

export function parsePromql(expr: string): Parsed {
  const textOf = (node: SyntaxNode): string => expr.slice(node.from, node.to);
  const errors: string[] = [];
  const nodes: SyntaxNode[] = [];
  parser.parse(expr).iterate({
    enter(ref) {
      if (ref.type.isError)
        errors.push(`at ${String(ref.from)}: …${expr.slice(Math.max(0, ref.from - 20), ref.to + 10)}`);
      nodes.push(ref.node);
    },
  });
  const named = (name: string): SyntaxNode[] => nodes.filter(node => node.name === name);
  const metricsIn = (node: SyntaxNode): string[] =>
    named("VectorSelector")
      .filter(each => each.from >= node.from && each.to <= node.to)
      .map(each => textOf(each.getChild("Identifier") ?? each));

  const selectors = named("VectorSelector").map(node => ({
    metric: textOf(node.getChild("Identifier") ?? node),
    labels: labelsUnder(node, "UnquotedLabelMatcher", textOf),
    ranged: rangedBy(node, textOf),
  }));
  const groupings = named("GroupingLabels").map(node => ({
    labels: node.getChildren("LabelName").map(textOf),
    metrics: metricsIn(aboutOf(node)),
  }));
  const made = named("FunctionCall")
    .filter(node => textOf(node.getChild("FunctionIdentifier") ?? node) === "label_replace")
    .flatMap(node => node.getChild("FunctionCallBody")?.getChildren("StringLiteral").slice(0, 1).map(textOf) ?? [])
    .map(quoted => quoted.slice(1, -1));
  return { errors, selectors, groupings, made };
}

function labelsUnder(node: SyntaxNode, matcher: string, textOf: (node: SyntaxNode) => string): string[] {
  const matchers = node.getChild("LabelMatchers")?.getChildren(matcher) ?? [];
  return matchers.map(each => textOf(each.getChild("LabelName") ?? each));
}

function rangedBy(selector: SyntaxNode, textOf: (node: SyntaxNode) => string): string | null {
  let node = selector.parent;
  if (node?.name !== "MatrixSelector") return null;
  while (node !== null && node.name !== "FunctionCall") node = node.parent;
  return node === null ? null : textOf(node.getChild("FunctionIdentifier") ?? node);
}

/** The aggregation, or the operation with both its sides, whose labels these are. */
function aboutOf(grouping: SyntaxNode): SyntaxNode {
  let node = grouping;
  while (node.parent !== null && node.name !== "AggregateExpr" && node.name !== "BinaryExpr") node = node.parent;
  return node;
}
