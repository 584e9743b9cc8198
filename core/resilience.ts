// The one table of how a call may fail: per action its time, its repeats, its circuit, its bulkhead, its node.
// docs/resilience.md is made from it.
import type { ActionName } from "./contracts/index.ts";

export interface Breaker {
  /** Share of failures among the calls of a window at which the circuit opens. */
  readonly threshold: number;
  /** Calls in a window below which nothing is concluded. */
  readonly minimum: number;
  readonly windowMs: number;
  /** How long an open circuit lets nothing through; then one call tries. */
  readonly openMs: number;
}

export interface Bulkhead {
  /** Calls that run at once on one node. */
  readonly concurrency: number;
  /** Calls that wait behind them; one more is refused at once. */
  readonly queue: number;
}

/** Which calls may be made again when nobody knows whether they took effect. */
export type Repeatable = "always" | "with a key" | "never";

export interface Policy {
  /** Of one attempt, in ms; what is left of the deadline may be less. */
  readonly timeoutMs: number;
  /** Attempts after the first. */
  readonly retries: number;
  readonly repeatable: Repeatable;
  /** Whether an attempt that timed out may be made again (if it is repeatable). */
  readonly afterTimeout: boolean;
  readonly breaker: Breaker;
  readonly bulkhead: Bulkhead | null;
  /** The parameter whose value decides the node; null: whoever is next. */
  readonly affinity: string | null;
  readonly why: string;
}

/** Ten calls tell a broken node from bad luck; 5 s are what a restart takes, and one call is all that a try costs. */
const breaker: Breaker = { threshold: 0.5, minimum: 10, windowMs: 20_000, openMs: 5_000 };
const common = { breaker, bulkhead: null, affinity: null };

/** What an action is to a caller decides most of its policy. */
export const classes = {
  read: {
    ...common,
    timeoutMs: 4_000,
    retries: 2,
    repeatable: "always",
    afterTimeout: true,
    why: "Changes nothing, so it may be asked again, also of another node after a timeout; three attempts fit into the gateway's 15 s",
  },
  list: {
    ...common,
    timeoutMs: 6_000,
    retries: 1,
    repeatable: "always",
    afterTimeout: true,
    bulkhead: { concurrency: 64, queue: 256 },
    why: "A page of many documents costs more than one; bounded, so that lists cannot crowd out orders",
  },
  command: {
    ...common,
    timeoutMs: 6_000,
    retries: 2,
    repeatable: "with a key",
    afterTimeout: true,
    why: "With its Idempotency-Key it happens once however often it is asked; without one, only what did not begin is asked again",
  },
  conditional: {
    ...common,
    timeoutMs: 6_000,
    retries: 2,
    repeatable: "never",
    afterTimeout: false,
    why: "A repeat of a change that took effect would fail on its own If-Match: only what did not begin is asked again",
  },
  step: {
    ...common,
    timeoutMs: 5_000,
    retries: 2,
    repeatable: "always",
    afterTimeout: false,
    why: "Keyed by the order, so a repeat is harmless; after a timeout the saga itself asks again, and two who repeat would multiply",
  },
  background: {
    ...common,
    timeoutMs: 30_000,
    retries: 0,
    repeatable: "never",
    afterTimeout: false,
    why: "Its caller is a loop that comes again by itself, with a back-off of its own; a batch may take long, and nobody waits",
  },
} as const satisfies Record<string, Policy>;

type Class = keyof typeof classes;
type Entry = Class | (Partial<Omit<Policy, "why">> & { readonly of: Class; readonly why: string });

const sku =
  "Commands for one SKU that meet in one process are written together: affinity is for speed, any node is right";
const provider = "The payment provider may take 3 s and more, and it is asked what it knows before it is asked again";

/** Every action of the contracts stands here. */
export const resilience = {
  "v1.account.login": {
    of: "read",
    timeoutMs: 10_000,
    repeatable: "never",
    afterTimeout: false,
    bulkhead: { concurrency: 2, queue: 50 },
    why: "Hashing takes a core: more at once only makes all of them late, and a flood is turned away. Each failed try counts, so none is repeated",
  },
  "v1.account.register": {
    of: "command",
    timeoutMs: 10_000,
    bulkhead: { concurrency: 2, queue: 50 },
    retries: 1,
    why: "Hashes a password, as login does",
  },
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
  "v1.customer.ensure": {
    of: "command",
    repeatable: "always",
    why: "Makes the customer of an id once: a repeat finds it",
  },
  "v1.customer.react": "background",
  "v1.customer.park": "background",
  "v1.inventory.get": "read",
  "v1.inventory.receive": { of: "command", affinity: "sku", why: sku },
  "v1.inventory.adjust": { of: "command", affinity: "sku", why: sku },
  "v1.inventory.movements": "list",
  "v1.inventory.admit": "read",
  "v1.inventory.reserve": { of: "step", affinity: "sku", why: sku },
  "v1.inventory.commit": { of: "step", affinity: "sku", why: sku },
  "v1.inventory.release": { of: "step", affinity: "sku", why: sku },
  "v1.inventory.react": "background",
  "v1.inventory.park": "background",
  "v1.order.place": {
    of: "command",
    timeoutMs: 14_000,
    bulkhead: { concurrency: 512, queue: 1_024 },
    why: "Waits as long as `Prefer: wait` says (10 s) and a little more. Its saga runs inside it: what waits behind 512 is late anyway",
  },
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
  "v1.billing.refund": { of: "command", timeoutMs: 10_000, retries: 1, why: provider },
  "v1.billing.invoices": "list",
  "v1.billing.invoice": "read",
  "v1.billing.credit": "command",
  "v1.billing.admit": "read",
  "v1.billing.authorize": { of: "step", timeoutMs: 10_000, why: provider },
  "v1.billing.capture": { of: "step", timeoutMs: 10_000, why: provider },
  "v1.billing.void": { of: "step", timeoutMs: 10_000, why: provider },
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
  "v1.registry.setLogLevel": {
    of: "conditional",
    why: "Answers what each node has now: whoever asked sees what is missing, and asks again",
  },
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
  "v1.product.waiting": "read",
  "v1.customer.waiting": "read",
  "v1.account.waiting": "read",
} as const satisfies Record<ActionName, Entry>;

/** For what has no contract: Moleculer's own actions, and what a newer node offers. */
const unlisted: Policy = { ...classes.conditional, retries: 0, timeoutMs: 15_000, why: "Nothing is known about it" };

function policyFrom(entry: Entry): Policy {
  if (typeof entry === "string") return classes[entry];
  const { of, ...own } = entry;
  return { ...classes[of], ...own };
}

const policies = new Map<string, Policy>(
  Object.entries<Entry>(resilience).map(([action, entry]) => [action, policyFrom(entry)]),
);

export const policyOf = (action: string): Policy => policies.get(action) ?? unlisted;

export const classOf = (action: ActionName): Class => {
  const entry: Entry = resilience[action];
  return typeof entry === "string" ? entry : entry.of;
};
