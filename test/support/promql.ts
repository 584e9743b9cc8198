// PromQL as data, by Prometheus' own grammar: which metrics an expression asks for, and by which labels.
import { parser } from "@prometheus-io/lezer-promql";

export interface Asked {
  /** Each with the labels that it is chosen by. */
  readonly selectors: readonly { readonly metric: string; readonly labels: readonly string[] }[];
  /** What is added up by, or joined on. */
  readonly groupings: readonly string[];
}

/** @throws SyntaxError naming the place where the expression cannot be read */
export function askedBy(expression: string): Asked {
  const selectors: { metric: string; labels: string[] }[] = [];
  const groupings: string[] = [];
  parser.parse(expression).iterate({
    enter({ type, from, to, node }) {
      const text = expression.slice(from, to);
      if (type.isError)
        throw new SyntaxError(`"${expression}" cannot be read at "${expression.slice(from, from + 20)}"`);
      if (type.name === "VectorSelector") selectors.push({ metric: /^[\w:]*/.exec(text)?.[0] ?? "", labels: [] });
      if (type.name !== "LabelName") return;
      if (node.parent?.name === "GroupingLabels") groupings.push(text);
      else selectors.at(-1)?.labels.push(text);
    },
  });
  return { selectors, groupings };
}
