// What holds every scrape against the catalogue sees what does not belong there.
import { expect, it } from "@jest/globals";
import { seriesIn, violationsIn } from "../../support/scrape.ts";

const listed = [
  'app_requests_total{service="order",endpoint="POST /v1/orders"} 1',
  'comptoir_action_seconds_bucket{le="0.1",action="v1.order.get"} 1',
  'comptoir_action_seconds_count{action="v1.order.get"} 1',
  'nodejs_gc_duration_seconds_sum{kind="minor"} 0.1',
];

it.each([
  ["a metric that is not listed", ["comptoir_surprises_total 1"], ["comptoir_surprises_total is not in the catalogue"]],
  ["a counter with a histogram's suffix", ["comptoir_orders_placed_total_count 1"], ["is not in the catalogue"]],
  ["a label that is not listed", ['comptoir_ready{node="a"} 1'], ["comptoir_ready has the labels node and not "]],
  ["a label that is missing", ["comptoir_retries_total 1"], ["comptoir_retries_total has the labels  and not action"]],
  [
    "a label without bound",
    Array.from({ length: 41 }, (_, index) => `http_requests_by_status_code_total{status_code="${String(index)}"} 1`),
    ["http_requests_by_status_code_total{status_code} has more than 40 values"],
  ],
  ["nothing else", [], []],
])("finds %s", (_what, planted, expected) => {
  const found = violationsIn(seriesIn([...listed, ...planted].join("\n")));
  expect(found).toEqual(expected.map(text => expect.stringContaining(text)));
});
