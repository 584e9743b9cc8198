// Queries that have nothing to show on the market day of the test; all others must show what happens there.
const noRules = "This Prometheus has no rules";
const oneProcess = "One process has no circuits and repeats no calls";

/** By dashboard, panel and legend, with the reason. */
export const quiet: Readonly<Record<string, string>> = {
  "Infrastructure, Rules that fail, {{rule_group}}": noRules,
  "Infrastructure, Labels beyond their bounds, {{metric}} {{node}}": "Would be a mistake of ours",
  "Load, Users and iterations, dropped/s": "Two a second are not too many for k6",
  "Load, Broken rules, refusals without Retry-After": "Would be a mistake of ours",
  "Overview, Firing alerts, firing": noRules,
  "Overview, Alerts that fire, firing": noRules,
  "Overview, Nodes out of service, nodes": "The one node is there",
  "Overview, Nodes out of service, services": "All of them are there",
  "Overview, Open circuits, open": oneProcess,
  "Sagas & Events, Shares of the log, and what is in memory, in memory: {{direction}}": "The local log has no memory",
  "Service, Open circuits to it, open": oneProcess,
  "Service, Circuits to its nodes, {{action}} at {{exported_node}}": oneProcess,
  "Service, Calls made again, {{action}}": oneProcess,
};
