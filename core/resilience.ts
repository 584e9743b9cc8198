// The one table of how a call may fail: per action its time, its repeats, its circuit, its bulkhead, its node, each value
// with its reason. docs/resilience.md is made from it.
import type { ActionName } from "./contracts/index.ts";
import { classes, type Class, type Policy, type Reasons, type Values } from "./policy.ts";

type Entry = Class | (Partial<Values> & { readonly of: Class; readonly why: Partial<Reasons> });

/** What an action has of its own beside its class; each value with a reason. */
const own = <Some extends Partial<Values>>(of: Class, values: Some, why: Reasons<keyof Some & keyof Values>) => ({
  ...values,
  of,
  why,
});

const bySku = { affinity: "sku" };
const whyBySku = {
  affinity: "Commands for one SKU that meet in one process are written together: it is for speed, any node is right",
};
/** Of actions that hash a password. */
const hashing = { concurrency: 2, queue: 50 };
const whyHashing = "Hashing takes a core: more at once only makes all of them late, and a flood is turned away";
const whyProvider = {
  timeoutMs: "The payment provider may take 3 s and more, and it is asked what it knows before it is asked again",
};

/** Every action of the contracts stands here. */
export const resilience = {
  "v1.account.login": own(
    "read",
    { timeoutMs: 10_000, repeatable: "never", afterTimeout: false, bulkhead: hashing },
    {
      timeoutMs: "Behind 50 others that each hash a password it takes that long",
      repeatable: "Each failed try counts",
      afterTimeout: "Each failed try counts",
      bulkhead: whyHashing,
    },
  ),
  "v1.account.register": own(
    "command",
    { timeoutMs: 10_000, retries: 1, bulkhead: hashing },
    {
      timeoutMs: "It hashes a password, as login does",
      retries: "Two that take their whole time are more than the gateway's 15 s already",
      bulkhead: whyHashing,
    },
  ),
  "v1.account.jwks": "read",
  "v1.product.list": "list",
  "v1.product.get": "read",
  "v1.product.create": "command",
  "v1.product.change": "conditional",
  "v1.product.price": "read",
  "v1.customer.list": "list",
  "v1.customer.get": "read",
  "v1.customer.create": "command",
  "v1.customer.change": "conditional",
  "v1.customer.require": "read",
  "v1.customer.ensure": own(
    "command",
    { repeatable: "always" },
    { repeatable: "It makes the customer of an id once: a repeat finds it" },
  ),
  "v1.customer.react": "background",
  "v1.customer.park": "background",
  "v1.inventory.get": "read",
  "v1.inventory.receive": own("command", bySku, whyBySku),
  "v1.inventory.adjust": own("command", bySku, whyBySku),
  "v1.inventory.movements": "list",
  "v1.inventory.admit": "read",
  "v1.inventory.reserve": own("step", bySku, whyBySku),
  "v1.inventory.commit": own("step", bySku, whyBySku),
  "v1.inventory.release": own("step", bySku, whyBySku),
  "v1.inventory.react": "background",
  "v1.inventory.park": "background",
  "v1.order.place": own(
    "command",
    { timeoutMs: 14_000, bulkhead: { concurrency: 512, queue: 1_024 } },
    {
      timeoutMs: "It waits as long as `Prefer: wait` says, at most 10 s, and a little more",
      bulkhead:
        "Its saga runs inside it and mostly waits, so many fit; how many are let in is decided by how long they take (ADR 26), this is the bound when that is wrong",
    },
  ),
  "v1.order.get": "read",
  "v1.order.list": "list",
  "v1.order.timeline": "read",
  "v1.order.cancel": "command",
  "v1.order.ship": "command",
  "v1.order.return": "command",
  "v1.order.react": "background",
  "v1.order.park": "background",
  "v1.billing.payments": "list",
  "v1.billing.payment": "read",
  "v1.billing.refund": own(
    "command",
    { timeoutMs: 10_000, retries: 1 },
    {
      ...whyProvider,
      retries: "Two that take their whole time are more than the gateway's 15 s already, and billing itself asks again",
    },
  ),
  "v1.billing.invoices": "list",
  "v1.billing.invoice": "read",
  "v1.billing.credit": "command",
  "v1.billing.admit": "read",
  "v1.billing.authorize": own("step", { timeoutMs: 10_000 }, whyProvider),
  "v1.billing.capture": own("step", { timeoutMs: 10_000 }, whyProvider),
  "v1.billing.void": own("step", { timeoutMs: 10_000 }, whyProvider),
  "v1.billing.react": "background",
  "v1.billing.park": "background",
  "v1.notification.list": "list",
  "v1.notification.react": "background",
  "v1.notification.park": "background",
  "v1.bridge.append": "background",
  "v1.bridge.deadLetters": "list",
  "v1.bridge.replay": "background",
  "v1.bridge.replayShare": "background",
  "v1.bridge.lag": "read",
  "v1.bridge.topics": "read",
  "v1.registry.nodes": "read",
  "v1.registry.services": "read",
  "v1.registry.logLevels": "read",
  "v1.registry.setLogLevel": own(
    "conditional",
    { repeatable: "never" },
    { repeatable: "It answers what each node has now: whoever asked sees what is missing, and asks again" },
  ),
  "v1.backup.take": "background",
  "v1.backup.hold": "conditional",
  "v1.backup.get": "read",
  "v1.backup.list": "read",
  "v1.audit.list": "list",
  "v1.audit.react": "background",
  "v1.audit.park": "background",
  "v1.inventory.inspect": "list",
  "v1.inventory.waiting": "read",
  "v1.order.inspect": "list",
  "v1.order.overdue": "list",
  "v1.order.waiting": "read",
  "v1.billing.inspectPayments": "list",
  "v1.billing.inspectCharges": "list",
  "v1.billing.inspectInvoices": "list",
  "v1.billing.inspectSeries": "read",
  "v1.billing.overdue": "list",
  "v1.billing.waiting": "read",
  "v1.product.inspect": "list",
  "v1.product.waiting": "read",
  "v1.customer.inspect": "list",
  "v1.customer.waiting": "read",
  "v1.account.inspect": "list",
  "v1.account.waiting": "read",
} as const satisfies Record<ActionName, Entry>;

/** For what has no contract: Moleculer's own actions, and what a newer node offers. */
const unlisted: Policy = {
  ...classes.conditional,
  timeoutMs: 15_000,
  retries: 0,
  why: {
    ...classes.conditional.why,
    timeoutMs: "Nothing is known about it: as long as a client waits",
    retries: "Nothing is known about it",
  },
};

function policyFrom(entry: Entry): Policy {
  if (typeof entry === "string") return classes[entry];
  const { of, why, ...values } = entry;
  return { ...classes[of], ...values, why: { ...classes[of].why, ...why } };
}

const policies = new Map<string, Policy>(
  Object.entries<Entry>(resilience).map(([action, entry]) => [action, policyFrom(entry)]),
);

export const policyOf = (action: string): Policy => policies.get(action) ?? unlisted;

export const classOf = (action: ActionName): Class => {
  const entry: Entry = resilience[action];
  return typeof entry === "string" ? entry : entry.of;
};
