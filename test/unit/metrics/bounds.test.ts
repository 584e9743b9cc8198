// There is room for every value that a label takes: one more would be counted as `other`, and no dashboard would name it.
import { expect, it } from "@jest/globals";
import { checkNames } from "../../../core/contracts/audit.ts";
import { actions, events } from "../../../core/contracts/index.ts";
import { catalogue as codes } from "../../../core/kernel/errors.ts";
import { bounds } from "../../../core/metrics/bounds.ts";
import { catalogue } from "../../../core/metrics/catalogue.ts";
import { knownServices } from "../../../core/node.ts";
import { documentPaths, operations } from "../../../services/gateway/gateway.operations.ts";
import { placingSteps } from "../../../services/order/order.saga.ts";

/** Success, not modified, and a client that was gone; the others are in the catalogue of errors. */
const answers = [200, 201, 202, 204, 304, 499];

const taken: Partial<Record<keyof typeof bounds, readonly unknown[]>> = {
  service: knownServices(),
  endpoint: [...operations.map(({ action }) => action), ...Object.values(documentPaths), "unmatched"],
  status: [...answers, ...Object.values(codes).map(({ status }) => status)],
  action: Object.keys(actions),
  // Of actions, and of the saga's steps, which say beside a refusal `done` or `unknown`.
  code: [...Object.keys(codes), "UNEXPECTED", "done", "unknown"],
  // Each service has at most one, and subscribes once.
  database: knownServices(),
  subscriber: knownServices(),
  event: Object.keys(events),
  check: checkNames,
  step: placingSteps.map(({ name }) => name),
  metric: Object.keys(catalogue),
};

it.each(Object.entries(taken))("There is room for each %s and for `other`", (name, values) => {
  const count = new Set(values).size;
  expect(count).toBeGreaterThan(0);
  expect(count).toBeLessThan(bounds[name as keyof typeof bounds].atMost);
});
