// The latency objectives: each endpoint belongs to one of them, and a request is in time by a bucket that there is.
import { expect, it } from "@jest/globals";
import { catalogue } from "../../../core/metrics/catalogue.ts";
import { operations } from "../../../services/gateway/gateway.operations.ts";
import { rules } from "../../support/rules.ts";

const endpoints = operations.map(({ rest }) => `${rest.method} ${rest.path}`);
/** A selector's operator and value, as the rules write them; the whole value, as Prometheus compares it. */
const matching = (expr: string, label: string): ((value: string) => boolean)[] =>
  [...expr.matchAll(new RegExp(`\\b${label}(=|!=|=~|!~)"([^"]*)"`, "g"))].map(([, operator = "", value = ""]) => {
    const whole = new RegExp(`^(?:${value})$`);
    const fits = operator.endsWith("~") ? (given: string) => whole.test(given) : (given: string) => given === value;
    return operator.startsWith("!") ? given => !fits(given) : fits;
  });

const recorded = rules().filter(({ record }) => record?.startsWith("comptoir:latency_errors:"));
const byRecord = [...Map.groupBy(recorded, ({ record }) => record ?? "")];

it("there are as many in every window", () => {
  expect(byRecord.map(([record]) => record).sort()).toEqual(
    ["increase1h", "increase6h", "ratio_rate1h", "ratio_rate30m", "ratio_rate3d", "ratio_rate5m", "ratio_rate6h"].map(
      window => `comptoir:latency_errors:${window}`,
    ),
  );
});

it.each(byRecord)("%s: an endpoint has one objective, the begin of a backup none", (_record, own) => {
  const of = (endpoint: string): string[] =>
    own.flatMap(({ labels, expr }) => {
      const asked = matching(expr, "endpoint").map(fits => fits(endpoint));
      // The slow ones and all of them are asked of the same endpoints.
      expect([endpoint, asked]).toEqual([endpoint, [asked[0], asked[0]]]);
      return asked[0] === true ? [labels?.["objective"] ?? ""] : [];
    });
  const others = new Map([
    ["POST /v1/orders", ["orders"]],
    ["POST /v1/auth/login", ["logins"]],
    ["POST /v1/auth/register", ["logins"]],
    ["POST /v1/backups", []],
  ]);
  expect([...others.keys()].filter(endpoint => !endpoints.includes(endpoint))).toEqual([]);
  for (const endpoint of endpoints)
    expect([endpoint, of(endpoint)]).toEqual([endpoint, others.get(endpoint) ?? ["requests"]]);
});

it("a request is in time by a bucket that is exposed", () => {
  const buckets = catalogue.app_request_latency_seconds.buckets;
  const time = { requests: 0.25, orders: 1, logins: 2.5 } as Readonly<Record<string, number>>;
  for (const { labels, expr } of recorded) {
    const [asked] = matching(expr, "le");
    const taken = buckets.filter(bound => asked?.(String(bound)));
    expect(taken).toEqual([time[labels?.["objective"] ?? ""]]);
  }
});
