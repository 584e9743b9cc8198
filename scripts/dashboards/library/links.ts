// Where a panel leads: another dashboard, the logs, the traces.
import { DashboardLinkBuilder, DashboardLinkType } from "@grafana/grafana-foundation-sdk/dashboard";

/** Part of every address of a dashboard: never changed, others link there. */
export const uids = {
  overview: "comptoir-overview",
  service: "comptoir-service",
  infrastructure: "comptoir-infrastructure",
  business: "comptoir-business",
  sagas: "comptoir-sagas-events",
  load: "comptoir-load",
} as const;
export type Board = keyof typeof uids;

/** Stream labels of the shop's log lines in Loki. */
const LOG_STREAM = `{job="comptoir"}`;

const link = (title: string, url: string): DashboardLinkBuilder =>
  new DashboardLinkBuilder(title).type(DashboardLinkType.Link).url(url);

/** @param variables as they stand in the address: `var-service=…`. */
export const toBoard = (title: string, board: Board, variables = ""): DashboardLinkBuilder =>
  link(title, `/d/${uids[board]}?\${__url_time_range}&\${datasource:queryparam}${variables && `&${variables}`}`);

/** Explore, with a query on a data source that a variable names. Grafana fills the variables in, so they stay as they are. */
function explore(datasource: "logs" | "traces", query: Readonly<Record<string, unknown>>): string {
  const range = { from: "${__from}", to: "${__to}" };
  const pane = { datasource: `\${${datasource}}`, queries: [{ refId: "A", ...query }], range };
  const encoded = encodeURIComponent(JSON.stringify({ a: pane })).replaceAll(/%24%7B(\w+)%7D/g, "${$1}");
  return `/explore?schemaVersion=1&panes=${encoded}`;
}

/** @param filter LogQL after the stream: `|= "…"`, `| json | …`. */
export const toLogs = (title: string, filter = ""): DashboardLinkBuilder =>
  link(title, explore("logs", { expr: `${LOG_STREAM} ${filter}`.trimEnd() }));

export const toTraces = (title: string, query: Readonly<Record<string, unknown>>): DashboardLinkBuilder =>
  link(title, explore("traces", { queryType: "search", ...query }));

export const toSlowTraces = (): DashboardLinkBuilder =>
  toTraces("Slow traces", { service: "gateway", minDuration: "1s" });

export const toErrors = (title = "Warnings and errors in the logs"): DashboardLinkBuilder =>
  toLogs(title, '| json | level=~"warn|error|fatal"');

/** Every dashboard lists all of them on top. */
export const boardsLink = (): DashboardLinkBuilder =>
  new DashboardLinkBuilder("Dashboards")
    .type(DashboardLinkType.Dashboards)
    .tags(["comptoir"])
    .asDropdown(false)
    .keepTime(true)
    .includeVars(false);
