// How a call may fail: the values of a policy, and those that most actions have by what they are to a caller.

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

export interface Values {
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
}

/** Why a value is what it is, for each of some values. */
export type Reasons<Value extends keyof Values = keyof Values> = Readonly<Record<Value, string>>;

export interface Policy extends Values {
  readonly why: Reasons;
}

const common = {
  breaker: { threshold: 0.5, minimum: 10, windowMs: 20_000, openMs: 5_000 },
  bulkhead: null,
  affinity: null,
};
/** Where a class says nothing else. */
export const whyCommon = {
  breaker:
    "Ten calls tell a broken node from bad luck, half of them one that is broken from one that is slow at times; 20 s hold ten calls of a quiet shop too; 5 s are what a restart takes, and one call is all that a try costs",
  bulkhead: "None: one call is cheap, and its deadline bounds how long it stays",
  affinity: "Any node is right, and turns share the load",
};

/** What an action is to a caller decides most of its policy. */
export const classes = {
  read: {
    ...common,
    timeoutMs: 4_000,
    retries: 2,
    repeatable: "always",
    afterTimeout: true,
    why: {
      ...whyCommon,
      timeoutMs:
        "A document by its id is there in milliseconds; three attempts and their pauses fit into the gateway's 15 s",
      retries: "One for the node that just went, one for the next that goes with it",
      repeatable: "It changes nothing",
      afterTimeout: "Another node answers what a frozen one does not",
    },
  },
  list: {
    ...common,
    timeoutMs: 6_000,
    retries: 1,
    repeatable: "always",
    afterTimeout: true,
    bulkhead: { concurrency: 64, queue: 256 },
    why: {
      ...whyCommon,
      timeoutMs: "A page of many documents costs more than one; two attempts fit into the gateway's 15 s",
      retries: "A page that was too slow once will be again: more attempts only load the database",
      repeatable: "It changes nothing",
      afterTimeout: "Another node answers what a frozen one does not",
      bulkhead:
        "Lists must not crowd out orders: 64 pages at once bound the memory that they take; who would wait behind 256 more is answered too late to care",
    },
  },
  command: {
    ...common,
    timeoutMs: 6_000,
    retries: 2,
    repeatable: "with a key",
    afterTimeout: true,
    why: {
      ...whyCommon,
      timeoutMs:
        "A write may wait for a primary that is being elected, some seconds, and a second attempt fits into the gateway's 15 s",
      retries: "One for the node that just went, one for the next that goes with it",
      repeatable:
        "With its Idempotency-Key it happens once however often it is asked; without one only what did not begin is asked again",
      afterTimeout: "The key says on any node what the first attempt did",
    },
  },
  conditional: {
    ...common,
    timeoutMs: 6_000,
    retries: 2,
    repeatable: "never",
    afterTimeout: false,
    why: {
      ...whyCommon,
      timeoutMs: "As a command's",
      retries: "For what did not begin: no node, or one that stops",
      repeatable: "A repeat of a change that took effect would fail on its own If-Match",
      afterTimeout: "It may have taken effect",
    },
  },
  step: {
    ...common,
    timeoutMs: 5_000,
    retries: 2,
    repeatable: "always",
    afterTimeout: false,
    why: {
      ...whyCommon,
      timeoutMs: "Longer than a slow write; two fit into an order's 14 s, so that it outlives one frozen node",
      retries: "One for the node that just went, one for the next that goes with it",
      repeatable: "Keyed by the order: a repeat is harmless",
      afterTimeout: "The saga itself asks again, and two who repeat would multiply",
    },
  },
  background: {
    ...common,
    timeoutMs: 30_000,
    retries: 0,
    repeatable: "never",
    afterTimeout: false,
    why: {
      ...whyCommon,
      timeoutMs: "A batch may take long, and nobody waits for it",
      retries: "Its caller is a loop that comes again by itself, with a back-off of its own",
      repeatable: "As for repeats: the loop decides",
      afterTimeout: "As for repeats: the loop decides",
      bulkhead: "None: its callers are loops of our own, each with one call under way for its work",
    },
  },
} as const satisfies Record<string, Policy>;

export type Class = keyof typeof classes;
