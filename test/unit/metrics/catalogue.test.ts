// What the catalogue names can be shown side by side.
import { expect, it } from "@jest/globals";
import { catalogue, type MetricSpec } from "../../../core/metrics/catalogue.ts";
import { collectDefaults, expose } from "../../../core/metrics/registry.ts";

type Typed = readonly [name: string, type: string];

/** The names that a metric takes up in OpenMetrics, which calls a counter by its name without `_total`. */
function takenBy([name, type]: Typed): string[] {
  if (type === "histogram") return ["", "_bucket", "_sum", "_count", "_created"].map(suffix => name + suffix);
  if (type !== "counter") return [name];
  const family = name.replace(/_total$/, "");
  return [family, `${family}_total`, `${family}_created`];
}

function clashesIn(metrics: readonly Typed[]): string[] {
  const owners = Map.groupBy(
    metrics.flatMap(metric => takenBy(metric).map(taken => ({ taken, owner: metric[0] }))),
    ({ taken }) => taken,
  );
  return [...owners].flatMap(([taken, own]) =>
    own.length > 1 ? [`${taken} is of ${own.map(({ owner }) => owner).join(" and ")}`] : [],
  );
}

it("no two metrics, ours or Node's, have one name in OpenMetrics", async () => {
  collectDefaults();
  const nodes = [...(await expose()).body.matchAll(/^# TYPE (\S+) (\S+)$/gm)];
  const ours = Object.entries<MetricSpec>(catalogue).map(([name, { type }]): Typed => [name, type]);
  const all = [...ours, ...nodes.map(([, name = "", type = ""]): Typed => [name, type])];
  expect(nodes.length).toBeGreaterThan(20);
  expect(clashesIn(all)).toEqual([]);
});

it.each<[what: string, metrics: Typed[], clash: string]>([
  [
    "a gauge that is called as a counter without its suffix",
    [
      ["letters_total", "counter"],
      ["letters", "gauge"],
    ],
    "letters is of letters_total and letters",
  ],
  [
    "a counter that is called as a histogram's sum of observations",
    [
      ["wait_seconds", "histogram"],
      ["wait_seconds_count_total", "counter"],
    ],
    "wait_seconds_count is of wait_seconds and wait_seconds_count_total",
  ],
])("finds %s", (_what, metrics, clash) => {
  expect(clashesIn(metrics)).toEqual([clash]);
});
