// The panels of all dashboards: one look, and no panel without a unit, a legend and advice.
import * as bargauge from "@grafana/grafana-foundation-sdk/bargauge";
import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import * as common from "@grafana/grafana-foundation-sdk/common";
import {
  FieldColorBuilder,
  FieldColorModeId,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type DashboardLinkBuilder,
  type Panel,
  type Threshold,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder, PromQueryFormat } from "@grafana/grafana-foundation-sdk/prometheus";
import * as stat from "@grafana/grafana-foundation-sdk/stat";
import * as table from "@grafana/grafana-foundation-sdk/table";
import * as timeseries from "@grafana/grafana-foundation-sdk/timeseries";

/** Whatever Prometheus the reader has picked. */
export const PROMETHEUS = { type: "prometheus", uid: "${datasource}" };

export interface Query {
  readonly expr: string;
  /** `{{label}}` is the label's value. */
  readonly legend: string;
  /** Traces of single observations, as dots: of histograms that keep them. */
  readonly exemplars?: true;
}

/** From this value on; what is below the first is green. */
export interface Limit {
  readonly from: number;
  readonly colour: "green" | "orange" | "red";
}

export interface PanelSpec {
  readonly title: string;
  /** What is measured. */
  readonly says: string;
  /** What it looks like when all is well. */
  readonly good: string;
  /** What to look at, or to do, when it does not. */
  readonly otherwise: string;
  /** Grafana's id of it: constants of the SDK's `units`. */
  readonly unit: string;
  readonly queries: readonly Query[];
  readonly limits?: readonly Limit[];
  readonly links?: readonly DashboardLinkBuilder[];
  /** Of 24 columns. */
  readonly width?: number;
  readonly height?: number;
  readonly decimals?: number;
  readonly min?: number;
  readonly max?: number;
}

/** Orange from the first on, red from the second. */
export const rising = (orange: number, red: number): Limit[] => [
  { from: orange, colour: "orange" },
  { from: red, colour: "red" },
];
/** For what must not be there at all. */
export const anyIsBad: readonly Limit[] = [{ from: 1, colour: "red" }];
/** Red below the first, orange below the second. */
export const falling = (orange: number, green: number): Limit[] => [
  { from: Number.NEGATIVE_INFINITY, colour: "red" },
  { from: orange, colour: "orange" },
  { from: green, colour: "green" },
];

export const description = ({ says, good, otherwise }: PanelSpec): string =>
  `${says}\n\n**Good:** ${good}\n\n**Otherwise:** ${otherwise}`;

function thresholds(limits: readonly Limit[]): ThresholdsConfigBuilder {
  const steps: Threshold[] = limits.map(({ from, colour }) => ({
    value: from === Number.NEGATIVE_INFINITY ? null : from,
    color: colour,
  }));
  const isWhole = limits[0]?.from === Number.NEGATIVE_INFINITY;
  const base: Threshold[] = isWhole ? [] : [{ value: null, color: "green" }];
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([...base, ...steps]);
}

const refId = (index: number): string => String.fromCharCode("A".charCodeAt(0) + index);

function target({ expr, legend, exemplars }: Query, index: number): DataqueryBuilder {
  const query = new DataqueryBuilder().datasource(PROMETHEUS).refId(refId(index)).expr(expr).legendFormat(legend);
  return exemplars === true ? query.range().exemplar(true) : query.range();
}

/** Of now only; in a table it comes as rows. */
const instant = (query: Query, index: number): DataqueryBuilder => target(query, index).instant();

type AnyBuilder = timeseries.PanelBuilder | stat.PanelBuilder | bargauge.PanelBuilder | table.PanelBuilder;

function dressed<B extends AnyBuilder>(builder: B, spec: PanelSpec, size: { width: number; height: number }): B {
  const { title, unit, limits = [], links = [], width = size.width, height = size.height, decimals, min, max } = spec;
  builder.title(title).description(description(spec)).datasource(PROMETHEUS).unit(unit).span(width).height(height);
  builder.thresholds(thresholds(limits));
  if (links.length > 0) builder.links([...links]);
  if (decimals !== undefined) builder.decimals(decimals);
  if (min !== undefined) builder.min(min);
  if (max !== undefined) builder.max(max);
  return builder;
}

const lastValue = (): common.ReduceDataOptionsBuilder => new common.ReduceDataOptionsBuilder().calcs(["lastNotNull"]);

const legend = (calcs: readonly string[]): common.VizLegendOptionsBuilder =>
  new common.VizLegendOptionsBuilder()
    .displayMode(common.LegendDisplayMode.Table)
    .placement(common.LegendPlacement.Bottom)
    .showLegend(true)
    .sortBy("Last *")
    .sortDesc(true)
    .calcs([...calcs]);

function lines(spec: PanelSpec): timeseries.PanelBuilder {
  const limits = new common.GraphThresholdsStyleConfigBuilder().mode(
    spec.limits === undefined ? common.GraphThresholdsStyleMode.Off : common.GraphThresholdsStyleMode.Dashed,
  );
  return dressed(new timeseries.PanelBuilder(), spec, { width: 12, height: 8 })
    .targets(spec.queries.map(target))
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.PaletteClassicByName))
    .thresholdsStyle(limits)
    .lineWidth(1)
    .showPoints(common.VisibilityMode.Never)
    .axisSoftMin(0)
    .tooltip(
      new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending),
    )
    .legend(legend(["mean", "max", "lastNotNull"]));
}

/** Lines over time. */
export const graph = (spec: PanelSpec): Builder<Panel> => lines(spec).fillOpacity(8);

/** Parts of a whole over time. */
export const stack = (spec: PanelSpec): Builder<Panel> =>
  lines(spec)
    .fillOpacity(60)
    .lineWidth(0)
    .stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal).group("A"));

/** One number, or one for each series, over its own past. */
export const number = (spec: PanelSpec): Builder<Panel> =>
  dressed(new stat.PanelBuilder(), spec, { width: 4, height: 4 })
    .targets(spec.queries.map(target))
    .reduceOptions(lastValue())
    .colorMode(common.BigValueColorMode.Value)
    .graphMode(common.BigValueGraphMode.Area)
    .textMode(spec.queries.length === 1 ? common.BigValueTextMode.Auto : common.BigValueTextMode.ValueAndName)
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds));

/** A number of the whole time shown: its query says `$__range`, and only its end counts. */
export const total = (spec: PanelSpec): Builder<Panel> =>
  dressed(new stat.PanelBuilder(), spec, { width: 4, height: 4 })
    .targets(spec.queries.map(instant))
    .reduceOptions(lastValue())
    .colorMode(common.BigValueColorMode.Value)
    .graphMode(common.BigValueGraphMode.None)
    .textMode(common.BigValueTextMode.ValueAndName)
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds));

/** Bars side by side, of now. */
export const bars = (spec: PanelSpec): Builder<Panel> =>
  dressed(new bargauge.PanelBuilder(), spec, { width: 8, height: 8 })
    .targets(spec.queries.map(instant))
    .reduceOptions(lastValue())
    .orientation(common.VizOrientation.Horizontal)
    .displayMode(common.BarGaugeDisplayMode.Basic)
    .valueMode(common.BarGaugeValueMode.Color)
    .legend(legend([]))
    .min(spec.min ?? 0)
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds));

export interface Column {
  /** Its query's legend names the column. */
  readonly unit: string;
  readonly limits?: readonly Limit[];
}

export interface TableSpec extends PanelSpec {
  /** One for each query, in its order. */
  readonly columns: readonly Column[];
  /** Labels that make the rows. */
  readonly rows: readonly string[];
  /** On the first label of a row. */
  readonly rowLink?: DashboardLinkBuilder;
}

/** What the transformation "merge" calls the value of a query, when there are several. */
const valueName = (index: number, of: number): string => (of === 1 ? "Value" : `Value #${refId(index)}`);

/** A row for each value of some labels, a column for each query. */
export function rows(spec: TableSpec): Builder<Panel> {
  const { queries, columns, rows: labels, rowLink } = spec;
  const names = queries.map((query, index) => [valueName(index, queries.length), query.legend] as const);
  const fields = [...labels, ...names.map(([name]) => name)];
  const panel = dressed(new table.PanelBuilder(), spec, { width: 12, height: 8 })
    .targets(queries.map((query, index) => instant(query, index).format(PromQueryFormat.Table)))
    .withTransformation({ id: "merge", options: {} })
    .withTransformation({ id: "filterFieldsByName", options: { include: { names: fields } } })
    .withTransformation({ id: "organize", options: { renameByName: Object.fromEntries(names) } });
  for (const [index, { unit, limits = [] }] of columns.entries()) {
    const properties = [
      { id: "unit", value: unit },
      { id: "thresholds", value: thresholds(limits).build() },
      { id: "custom.cellOptions", value: { type: limits.length > 0 ? "color-text" : "auto" } },
    ];
    panel.overrideByName(queries[index]?.legend ?? "", properties);
  }
  if (rowLink !== undefined) panel.overrideByName(labels[0] ?? "", [{ id: "links", value: [rowLink.build()] }]);
  return panel;
}
