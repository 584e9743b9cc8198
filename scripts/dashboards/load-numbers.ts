// What the panels of Load are about, and its row of numbers.
import * as units from "@grafana/grafana-foundation-sdk/units";
import { falling, rising, type PanelSpec } from "./library/panels.ts";
import { matching, over, rate, selector } from "./library/promql.ts";

/** Of the tests that are picked: also what setup() and teardown() measure, and k6 of itself, which is in no scenario. */
export const ofTest = (name: string): string => selector(`k6_${name}`, { testid: matching("$testid") });
export const k6 = (name: string): string =>
  selector(`k6_${name}`, { testid: matching("$testid"), scenario: matching("$scenario") });
/** k6 pushes the quantiles of everything since the test began; over several series only the worst says something. */
export const worst = (name: string, by: readonly string[] = []): string => over("max", k6(name), by);

export const glance: PanelSpec[] = [
  {
    title: "Virtual users",
    says: "Virtual users of k6 that are active.",
    good: "Follows the scenario.",
    otherwise: "At its maximum with dropped iterations: k6 itself cannot keep the rate; give it more users or CPU.",
    unit: units.Short,
    queries: [{ expr: over("sum", ofTest("vus")), legend: "users" }],
  },
  {
    title: "Requests",
    says: "Requests per second that k6 made and got an answer to.",
    good: "The rate that the scenario asks for.",
    otherwise: "Lower: the shop is full, or k6 is.",
    unit: units.RequestsPerSecond,
    queries: [{ expr: over("sum", rate(k6("http_reqs_total"))), legend: "requests" }],
  },
  {
    title: "Failed",
    says: "Share of k6's requests that it counts as failed, since the test began.",
    good: "0; under overload only 429 and 503.",
    otherwise: "By status below.",
    unit: units.PercentUnit,
    decimals: 2,
    limits: rising(0.01, 0.1),
    queries: [{ expr: worst("http_req_failed_rate"), legend: "failed" }],
  },
  {
    title: "Checks that held",
    says: "Share of the scripts' checks that held, since the test began.",
    good: "100 %.",
    otherwise: "The table of checks below names those that do not.",
    unit: units.PercentUnit,
    decimals: 2,
    limits: falling(0.95, 1),
    queries: [{ expr: over("min", ofTest("checks_rate")), legend: "held" }],
  },
  {
    title: "p90",
    says: "90 of 100 of k6's requests took at most this, since the test began; the worst kind of request.",
    good: "Below 250 ms up to saturation.",
    otherwise:
      "Compare with the shop's own latency below: what k6 sees more is the wire and the queue before the gateway.",
    unit: units.Seconds,
    limits: rising(0.25, 1),
    queries: [{ expr: worst("http_req_duration_p90"), legend: "p90" }],
  },
  {
    title: "p99",
    says: "99 of 100 of k6's requests took at most this, since the test began; the worst kind of request.",
    good: "Below 1 s also at twice the saturation.",
    otherwise: "As for p90.",
    unit: units.Seconds,
    limits: rising(0.5, 1),
    queries: [{ expr: worst("http_req_duration_p99"), legend: "p99" }],
  },
];
