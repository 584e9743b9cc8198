// How many values each label may take: more series than these no process makes, whatever its clients send.

/** What a label's values are, and how many of them one process may expose; the last place is that of `other`. */
export interface Bound {
  readonly what: string;
  readonly atMost: number;
}

export const bounds = {
  service: { what: "a service of the shop", atMost: 30 },
  endpoint: { what: "method and path of the API, or `unmatched`", atMost: 120 },
  status: { what: "an HTTP status code", atMost: 40 },
  action: { what: "an action of the contracts", atMost: 200 },
  code: { what: "a code of docs/errors.md, or `UNEXPECTED`", atMost: 80 },
  node: { what: "a node of the cluster that was called", atMost: 500 },
  sku: { what: "one of the most viewed SKUs, or `other`", atMost: 51 },
  lowSku: { what: "one of the 20 SKUs with the least available", atMost: 21 },
  currency: { what: "an ISO 4217 code", atMost: 180 },
  database: { what: "the database of a service", atMost: 30 },
  operation: { what: "a store's operation", atMost: 12 },
  event: { what: "a type of event", atMost: 100 },
  subscriber: { what: "a service that takes events", atMost: 30 },
  check: { what: "a check of the audit", atMost: 12 },
  step: { what: "a step of the order saga", atMost: 12 },
  metric: { what: "a metric of this list", atMost: 120 },
  few: { what: "one of the words named in the help", atMost: 12 },
} as const satisfies Record<string, Bound>;
