// A load test as k6 sees it, beside what the shop says of itself meanwhile.
import { QueryVariableBuilder, VariableRefresh, VariableSort } from "@grafana/grafana-foundation-sdk/dashboard";
import * as units from "@grafana/grafana-foundation-sdk/units";
import { board } from "./library/board.ts";
import { toBoard, toSlowTraces } from "./library/links.ts";
import { anyIsBad, falling, graph, number, PROMETHEUS, rising, rows, stack, total } from "./library/panels.ts";
import { metric, orNone, orZero, over, perSecond, rate } from "./library/promql.ts";
import { heldBack, latency, orderFlow } from "./library/shop.ts";
import { glance, k6, ofTest, worst } from "./load-numbers.ts";

const scenario = new QueryVariableBuilder("scenario")
  .label("Scenario")
  .datasource(PROMETHEUS)
  .query({ query: "label_values(k6_http_reqs_total, scenario)", refId: "scenarios" })
  .refresh(VariableRefresh.OnTimeRangeChanged)
  .sort(VariableSort.AlphabeticalAsc)
  .multi(true)
  .includeAll(true)
  .current({ text: "All", value: "$__all" });

const testid = new QueryVariableBuilder("testid")
  .label("Test")
  .datasource(PROMETHEUS)
  .query({ query: "label_values(k6_http_reqs_total, testid)", refId: "tests" })
  .refresh(VariableRefresh.OnTimeRangeChanged)
  .sort(VariableSort.AlphabeticalDesc)
  .multi(true)
  .includeAll(true)
  // Also what was pushed without one.
  .allValue(".*")
  .current({ text: "All", value: "$__all" });

const client = [
  stack({
    title: "Requests by status",
    says: "Answers that k6 got, per second.",
    good: "2xx; beyond saturation 429 and 503 share the rest.",
    otherwise: "500, or 0 (no answer): faults. The logs have them with their stacks.",
    unit: units.RequestsPerSecond,
    queries: [{ expr: over("sum", rate(k6("http_reqs_total")), ["status"]), legend: "{{status}}" }],
  }),
  graph({
    title: "Duration by kind of request",
    says: "Quantiles of k6's requests by their name, since the test began.",
    good: "Level while the rate rises, up to saturation.",
    otherwise: "One kind leaves the others: Service shows its action.",
    unit: units.Seconds,
    limits: rising(0.25, 1),
    queries: [
      { expr: worst("http_req_duration_p90", ["name"]), legend: "{{name}} p90" },
      { expr: worst("http_req_duration_p99", ["name"]), legend: "{{name}} p99" },
    ],
  }),
  graph({
    title: "Users and iterations",
    says: "Virtual users, iterations per second, and iterations that k6 had to drop.",
    good: "Iterations follow the scenario; none dropped.",
    otherwise:
      "Dropped: every user waits for an answer. The shop is slower than the rate asks, or maxVUs is too small.",
    unit: units.Short,
    width: 8,
    queries: [
      { expr: over("sum", ofTest("vus")), legend: "users" },
      { expr: over("sum", rate(k6("iterations_total"))), legend: "iterations/s" },
      { expr: orZero(over("sum", rate(k6("dropped_iterations_total")))), legend: "dropped/s" },
    ],
  }),
  rows({
    title: "Checks",
    says: "Share of each check that held, since the test began.",
    good: "100 % each.",
    otherwise: "The name says what did not hold; the request's trace is in the logs.",
    unit: units.PercentUnit,
    width: 8,
    rows: ["check"],
    columns: [{ unit: units.PercentUnit, limits: falling(0.95, 1) }],
    queries: [{ expr: over("min", ofTest("checks_rate"), ["check"]), legend: "held" }],
  }),
  graph({
    title: "Bytes",
    says: "What k6 sent and received per second.",
    good: "Follows the requests.",
    otherwise: "At the network's limit the test measures the network.",
    unit: units.BytesPerSecondIEC,
    width: 8,
    queries: [
      { expr: over("sum", rate(k6("data_sent_total"))), legend: "sent" },
      { expr: over("sum", rate(k6("data_received_total"))), legend: "received" },
    ],
  }),
];

/** k6 says a counter only when it has grown, so that what happens once has no rise: its last value is all there is. */
const counted = (name: string): string => over("sum", `max_over_time(${ofTest(name)}[$__range])`);

const orders = [
  graph({
    title: "Orders as the clients count them",
    says: "Orders per second that were accepted, refused for now (429, 503), and answered wrongly.",
    good: "Beyond saturation accepted stays level, the rest is refused, none fails.",
    otherwise: "failed: neither an order nor an honest refusal. The shop's latency and failures stand below.",
    unit: units.OpsPerSecond,
    width: 8,
    queries: ["accepted", "refused", "failed"].map(what => ({
      expr: orZero(over("sum", rate(ofTest(`orders_${what}_total`)))),
      legend: what,
    })),
  }),
  graph({
    title: "Orders and checkouts, duration",
    says: "Of accepted orders the answer; of a checkout the whole way from the list to the invoice, and the invoice's part of it. Since the test began.",
    good: "Orders below 1 s, invoices below 5 s.",
    otherwise:
      "Only invoices late: events wait (Sagas & Events). Only orders slow: the saga, see a trace. Scripts that only order have no checkouts.",
    unit: units.Seconds,
    width: 8,
    limits: rising(1, 5),
    queries: [
      { expr: worst("order_latency_p50"), legend: "order p50" },
      { expr: worst("order_latency_p99"), legend: "order p99" },
      { expr: worst("checkout_duration_p99"), legend: "checkout p99" },
      { expr: worst("invoice_delay_p99"), legend: "invoice p99" },
    ],
  }),
  total({
    title: "Broken rules",
    says: "Within the time shown: invariants that a script found broken, orders that were neither accepted nor honestly refused, and refusals without Retry-After.",
    good: "0 each.",
    otherwise:
      "Invariants: k6's stderr has a line for each, and GET /v1/audit?status=OPEN. Failed: the logs. Without Retry-After: clients come again at once.",
    unit: units.Short,
    width: 8,
    height: 8,
    decimals: 0,
    limits: anyIsBad,
    queries: [
      { expr: orZero(counted("invariants_broken_total")), legend: "broken invariants" },
      { expr: orZero(counted("orders_failed_total")), legend: "failed orders" },
      { expr: orZero(counted("refusals_without_retry_after_total")), legend: "refusals without Retry-After" },
    ],
  }),
];

const shop = [
  graph({
    title: "The shop: orders",
    says: "Orders that were placed and that came to a status, per second: the goodput.",
    good: "Beyond saturation it stays at 90 % of its best or more.",
    otherwise: "It falls while k6 asks for more: the shop works for answers that come too late.",
    unit: units.OpsPerSecond,
    links: [toBoard("Sagas & Events", "sagas")],
    queries: orderFlow,
  }),
  graph({
    title: "The shop: latency",
    says: "Latency at the gateway, of the moment. Dots are traces.",
    good: "Close to what k6 sees.",
    otherwise: "Far below k6's: requests queue before the gateway.",
    unit: units.Seconds,
    limits: rising(0.25, 1),
    links: [toSlowTraces()],
    queries: latency,
  }),
  graph({
    title: "The shop: held back and failed",
    says: "Requests refused because the shop could not keep up or a client asked too often, and requests that failed.",
    good: "Up to saturation 0; beyond it what is too much is refused at once.",
    otherwise: "Failed with other codes than those: look at Service.",
    unit: units.RequestsPerSecond,
    width: 8,
    links: [toBoard("Service", "service")],
    queries: [
      ...heldBack,
      { expr: orNone(perSecond("comptoir_requests_failed_total", ["code"]), "code"), legend: "failed {{code}}" },
    ],
  }),
  graph({
    title: "The shop: CPU and event loops",
    says: "Cores that all processes use, and the busiest event loop.",
    good: "The busiest loop reaches 1 at saturation, not before.",
    otherwise: "Saturated with idle loops: the store, or a lock. See store latency in Service.",
    unit: units.Short,
    width: 8,
    decimals: 2,
    links: [toBoard("Infrastructure", "infrastructure")],
    queries: [
      { expr: over("sum", rate('process_cpu_seconds_total{job="comptoir"}')), legend: "cores" },
      { expr: over("max", metric("comptoir_event_loop_utilization")), legend: "busiest loop" },
    ],
  }),
  graph({
    title: "The shop: under way",
    says: "Requests in flight, sagas under way, events behind.",
    good: "All return to 0 after the test.",
    otherwise: "One stays: that is where the test has left work. The audit says whether anything is in an odd state.",
    unit: units.Short,
    width: 8,
    links: [toBoard("Sagas & Events", "sagas")],
    queries: [
      { expr: over("sum", metric("comptoir_requests_in_flight")), legend: "requests" },
      { expr: over("sum", metric("comptoir_sagas_running")), legend: "sagas" },
      { expr: over("max", metric("comptoir_events_lag")), legend: "events behind" },
    ],
  }),
];

export const load = () =>
  board({
    board: "load",
    title: "Load",
    answers: "How does the shop bear the load test that runs: what do its clients see, and what does it say of itself?",
    from: "now-30m",
    variables: [testid, scenario],
    sections: [
      { title: "k6 at a glance", panels: glance.map(number) },
      { title: "What the clients see", panels: client },
      { title: "Orders of the clients", panels: orders },
      { title: "What the shop says meanwhile", panels: shop },
    ],
  });
