// The frame of every dashboard: variables, annotations, links and the grid.
import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import {
  AnnotationQueryBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  RowBuilder,
  VariableHide,
  type DashboardLinkBuilder,
  type Panel,
  type VariableModel,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { boardsLink, uids, type Board } from "./links.ts";
import { PROMETHEUS } from "./panels.ts";

// eslint-disable-next-line @typescript-eslint/no-deprecated -- Version 2 is read from files by the newest Grafana only, this one by all.
const build = (title: string): DashboardBuilder => new DashboardBuilder(title);
export type Dashboard = ReturnType<ReturnType<typeof build>["build"]>;

export interface Section {
  readonly title: string;
  readonly panels: readonly Builder<Panel>[];
}

export interface BoardSpec {
  readonly board: Board;
  readonly title: string;
  /** The question that it answers. */
  readonly answers: string;
  readonly variables?: readonly Builder<VariableModel>[];
  readonly links?: readonly DashboardLinkBuilder[];
  readonly sections: readonly Section[];
  /** How far back it looks when it is opened. */
  readonly from?: string;
}

const datasource = (name: string, type: string, label: string): DatasourceVariableBuilder =>
  new DatasourceVariableBuilder(name).type(type).label(label);

/** Where links lead; nobody needs to choose. */
const hidden = (name: string, type: string, label: string): DatasourceVariableBuilder =>
  datasource(name, type, label).hide(VariableHide.HideVariable);

const alerts = (): AnnotationQueryBuilder =>
  new AnnotationQueryBuilder()
    .name("Alerts")
    .datasource(PROMETHEUS)
    .enable(true)
    .iconColor("red")
    .expr('ALERTS{alertstate="firing"}')
    .titleFormat("{{alertname}}")
    .textFormat("{{service}} {{node}} {{severity}}")
    .tagKeys("alertname,severity")
    .step("30s");

const starts = (): AnnotationQueryBuilder =>
  new AnnotationQueryBuilder()
    .name("Starts")
    .datasource(PROMETHEUS)
    .enable(true)
    .iconColor("blue")
    .expr('time() - process_start_time_seconds{job="comptoir"} < 30')
    .titleFormat("{{node}} started")
    .textFormat("{{node_services}}")
    .step("30s");

/** The SDK's default moves links and annotations into a menu of the newest Grafana, where nobody looks. */
function inSight(dashboard: Dashboard): Dashboard {
  for (const each of [...(dashboard.links ?? []), ...(dashboard.annotations.list ?? [])]) delete each.placement;
  return dashboard;
}

/** Ids count from 1 in reading order: a link to a panel (`viewPanel`) needs one. */
function numbered(dashboard: Dashboard): Dashboard {
  dashboard.panels?.forEach((panel, index) => {
    panel.id = index + 1;
  });
  return dashboard;
}

export function board(spec: BoardSpec): Dashboard {
  const { variables = [], links = [], from = "now-1h" } = spec;
  const builder = build(`Comptoir / ${spec.title}`)
    .uid(uids[spec.board])
    .description(spec.answers)
    .tags(["comptoir"])
    .timezone("browser")
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .refresh("30s")
    .time({ from, to: "now" })
    .withVariable(datasource("datasource", "prometheus", "Prometheus"))
    .withVariable(hidden("logs", "loki", "Logs"))
    .withVariable(hidden("traces", "jaeger", "Traces"))
    .annotation(alerts())
    .annotation(starts())
    .links([boardsLink(), ...links]);
  for (const variable of variables) builder.withVariable(variable);
  for (const { title, panels } of spec.sections) {
    builder.withRow(new RowBuilder(title));
    for (const panel of panels) builder.withPanel(panel);
  }
  return inSight(numbered(builder.build()));
}
