// Nodes, the machine under them, the registry, and what watches them.
import { QueryVariableBuilder, VariableRefresh, VariableSort } from "@grafana/grafana-foundation-sdk/dashboard";
import * as units from "@grafana/grafana-foundation-sdk/units";
import { board } from "./library/board.ts";
import { toBoard, toLogs } from "./library/links.ts";
import { anyIsBad, falling, graph, number, rising, rows, type PanelSpec } from "./library/panels.ts";
import { freeShare, machine, watching } from "./infrastructure-machine.ts";
import { matching, metric, orZero, over, rate, selector } from "./library/promql.ts";

const node = new QueryVariableBuilder("node")
  .label("Node")
  .datasource({ type: "prometheus", uid: "${datasource}" })
  .query({ query: 'label_values(up{job="comptoir"}, node)', refId: "nodes" })
  .refresh(VariableRefresh.OnTimeRangeChanged)
  .sort(VariableSort.NaturalAsc)
  .multi(true)
  .includeAll(true)
  .current({ text: "All", value: "$__all" });

const ofNode = { job: "comptoir", node: matching("$node") };
/** Of prom-client's default metrics, on the nodes that are picked. */
const own = (name: string, more: Readonly<Record<string, string>> = {}): string =>
  selector(name, { ...ofNode, ...more });

const glance: PanelSpec[] = [
  {
    title: "Targets up",
    says: "Targets of Prometheus that it reaches, all jobs.",
    good: "100 %.",
    otherwise: "The table of targets below names those that are down.",
    unit: units.PercentUnit,
    limits: falling(0.9, 1),
    queries: [{ expr: "avg(up)", legend: "up" }],
  },
  {
    title: "Nodes ready",
    says: "Nodes of the shop that take traffic.",
    good: "As many as were started.",
    otherwise: "/ready on a node's ops port names what it lacks. A node that stops is unready on purpose.",
    unit: units.Short,
    queries: [{ expr: over("sum", metric("comptoir_ready")), legend: "ready" }],
  },
  {
    title: "Degraded",
    says: "Things that ready nodes do without for a while: the event log, a service.",
    good: "0.",
    otherwise: "/ready lists them under `degraded`. Orders go on; events wait in the outboxes.",
    unit: units.Short,
    limits: anyIsBad,
    queries: [{ expr: orZero(over("sum", metric("comptoir_degraded"))), legend: "missing" }],
  },
  {
    title: "Starts within the hour",
    says: "Processes of the shop that started within the last hour.",
    good: "0, but for an update.",
    otherwise:
      "A node that starts again and again: its log says why it ended; memory above its limit is the usual reason.",
    unit: units.Short,
    limits: rising(1, 10),
    links: [toLogs("Starts in the logs", '| json | mod="START"')],
    queries: [{ expr: orZero('count(time() - process_start_time_seconds{job="comptoir"} < 3600)'), legend: "starts" }],
  },
  {
    title: "Longest event loop lag",
    says: "p99 of the event loop's lag on the slowest node.",
    good: "Below 50 ms.",
    otherwise: "Its CPU is used up, or something blocks: everything on that node waits as long.",
    unit: units.Seconds,
    limits: rising(0.1, 0.5),
    queries: [{ expr: over("max", own("nodejs_eventloop_lag_p99_seconds")), legend: "lag" }],
  },
  {
    title: "Fullest disk",
    says: "Free share of the fullest file system of the machine.",
    good: "Above 20 %.",
    otherwise: "At 0 databases and logs stop. Free space, or move the data (docs/operations/docker.md).",
    unit: units.PercentUnit,
    limits: falling(0.1, 0.2),
    queries: [
      {
        expr: `min(${freeShare})`,
        legend: "free",
      },
    ],
  },
];

const nodes = [
  graph({
    title: "CPU",
    says: "Cores that each process uses.",
    good: "Below 0.8 of its limit.",
    otherwise: "A node's JavaScript runs on one core: at 1 it is full. Start more of that service.",
    unit: units.Short,
    decimals: 2,
    queries: [{ expr: over("sum", rate(own("process_cpu_seconds_total")), ["node"]), legend: "{{node}}" }],
  }),
  graph({
    title: "Memory",
    says: "Resident memory of each process.",
    good: "Level, well below the container's limit (640 MiB in docker-compose.yml).",
    otherwise:
      "It climbs for hours: a leak. Compare with the heap below; if that is level, it is buffers or native memory.",
    unit: units.BytesIEC,
    queries: [{ expr: over("max", own("process_resident_memory_bytes"), ["node"]), legend: "{{node}}" }],
  }),
  graph({
    title: "Event loop utilisation",
    says: "Share of the time in which each event loop was busy.",
    good: "Below 0.7.",
    otherwise: "Near 1 latency grows without bound: start more nodes. The gateway sheds load before that.",
    unit: units.PercentUnit,
    max: 1,
    limits: rising(0.7, 0.95),
    queries: [{ expr: over("max", metric("comptoir_event_loop_utilization", ofNode), ["node"]), legend: "{{node}}" }],
  }),
  graph({
    title: "Event loop lag, p99",
    says: "How late timers fire.",
    good: "Below 50 ms.",
    otherwise:
      "Spikes with garbage collection: the heap is too small. Without: something blocks, look at traces of that moment.",
    unit: units.Seconds,
    limits: rising(0.1, 0.5),
    queries: [{ expr: over("max", own("nodejs_eventloop_lag_p99_seconds"), ["node"]), legend: "{{node}}" }],
  }),
  graph({
    title: "Heap",
    says: "JavaScript heap that is used, and the limit that V8 was given room for so far.",
    good: "A saw tooth whose lows are level.",
    otherwise: "The lows climb: a leak. Take a heap snapshot of that node before it ends at its limit (512 MiB).",
    unit: units.BytesIEC,
    width: 8,
    queries: [
      { expr: over("max", own("nodejs_heap_size_used_bytes"), ["node"]), legend: "{{node}} used" },
      { expr: over("max", own("nodejs_heap_size_total_bytes"), ["node"]), legend: "{{node}} total" },
    ],
  }),
  graph({
    title: "Garbage collection",
    says: "Share of the time that each node spends on it, by kind.",
    good: "Below 5 %; minor is cheap.",
    otherwise: "major above 5 %: the heap is nearly full.",
    unit: units.PercentUnit,
    width: 8,
    limits: rising(0.05, 0.2),
    queries: [
      { expr: over("sum", rate(own("nodejs_gc_duration_seconds_sum")), ["node", "kind"]), legend: "{{node}} {{kind}}" },
    ],
  }),
  graph({
    title: "Handles and open files",
    says: "Sockets, timers and files that each process holds.",
    good: "Level; sockets follow the clients.",
    otherwise: "It climbs without load: something is opened and not closed.",
    unit: units.Short,
    width: 8,
    queries: [
      { expr: over("max", own("nodejs_active_resources_total"), ["node"]), legend: "{{node}} resources" },
      { expr: over("max", own("process_open_fds"), ["node"]), legend: "{{node}} files" },
    ],
  }),
];

const topology = [
  graph({
    title: "The registry",
    says: "Nodes, services and actions that Moleculer's registry knows.",
    good: "Level.",
    otherwise: "Nodes drop: they stopped, or do not reach NATS. GET /v1/registry/nodes names them.",
    unit: units.Short,
    width: 8,
    queries: [
      { expr: "max(moleculer_nodes_total)", legend: "nodes" },
      { expr: "max(moleculer_services_total)", legend: "services" },
      { expr: "max(moleculer_actions_total)", legend: "actions" },
    ],
  }),
  graph({
    title: "Instances by service",
    says: "Nodes that serve each service.",
    good: "As many as were started, never 0.",
    otherwise: "0: calls of it fail with SERVICE_UNAVAILABLE. Start it again.",
    unit: units.Short,
    width: 8,
    links: [toBoard("Service", "service")],
    queries: [{ expr: "max by (service) (moleculer_service_endpoints_total)", legend: "{{service}}" }],
  }),
  rows({
    title: "Releases",
    says: "Which release runs on how many nodes.",
    good: "One line; two while an update rolls.",
    otherwise: "Two for long: the update has stopped half way (docs/operations/docker.md).",
    unit: units.Short,
    width: 8,
    rows: ["version", "node_version"],
    columns: [{ unit: units.Short }],
    queries: [{ expr: over("count", metric("comptoir_build_info"), ["version", "node_version"]), legend: "nodes" }],
  }),
];

export const infrastructure = () =>
  board({
    board: "infrastructure",
    title: "Infrastructure",
    answers: "Do the processes have what they need: CPU, memory, disk, one another? And is all of it seen?",
    variables: [node],
    sections: [
      { title: "At a glance", panels: glance.map(number) },
      { title: "Processes of the shop", panels: nodes },
      { title: "The registry", panels: topology },
      { title: "The machine (node-exporter)", panels: machine },
      { title: "Prometheus and traces", panels: watching },
    ],
  });
