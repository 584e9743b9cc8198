// Keeps calls away from a node whose action keeps failing, until one call that tries succeeds. In place of Moleculer's own,
// which loses its endpoint when a node comes back and never closes on a refusal (docs/adr/0018).
import type { ActionEndpoint, ActionHandler, Context, Logger, Middleware, ServiceBroker } from "moleculer";
import { Circuit, type CircuitState } from "../circuit.ts";
import { speaksAgainst } from "../failures.ts";
import type { Clock } from "../kernel/clock.ts";
import { gauge } from "../metrics/registry.ts";
import { policyOf } from "../resilience.ts";

export interface CircuitView {
  readonly action: string;
  /** The node that is called. */
  readonly node: string;
  readonly state: CircuitState;
}

interface Entry {
  readonly circuit: Circuit;
  readonly action: string;
  readonly node: string;
  trying: boolean;
}

const value: Readonly<Record<CircuitState, number>> = { CLOSED: 0, HALF_OPEN: 1, OPEN: 2 };
const event: Readonly<Record<CircuitState, string>> = {
  CLOSED: "$circuit-breaker.closed",
  HALF_OPEN: "$circuit-breaker.half-opened",
  OPEN: "$circuit-breaker.opened",
};

const states = gauge("comptoir_circuit_breaker_state");

const nameOf = (action: string, node: string): string => `${node}:${action}`;

export class Circuits {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();
  #broker: ServiceBroker | undefined;
  #logger: Logger | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  attach(broker: ServiceBroker): void {
    this.#broker = broker;
    this.#logger = broker.getLogger("circuit-breaker");
    const forget = ({ node }: { node: { id: string } }): void => {
      this.#forget(node.id);
    };
    // Whoever comes back starts anew: what failed was the process before, or the way to it.
    broker.localBus.on("$node.disconnected", forget);
    broker.localBus.on("$node.connected", forget);
  }

  /** Those that have been called; the others are closed. */
  views(): CircuitView[] {
    return [...this.#entries.values()].map(({ action, node, circuit }) => ({ action, node, state: circuit.state }));
  }

  async run(ctx: Context, action: string, call: () => Promise<unknown>): Promise<unknown> {
    const entry = this.#entryOf(ctx.endpoint as ActionEndpoint, action);
    const { circuit } = entry;
    const isTry = circuit.state === "HALF_OPEN" && !entry.trying;
    if (isTry) {
      entry.trying = true;
      this.#admit(entry, false);
    }
    const given = ctx.options.timeout ?? Infinity;
    const settle = (failed: boolean): void => {
      if (!this.#isKnown(entry)) return;
      if (isTry) this.#tried(entry, failed);
      else if (circuit.count(failed, this.#clock.now())) this.#opened(entry);
    };
    try {
      const result = await call();
      settle(false);
      return result;
    } catch (error) {
      settle(speaksAgainst(error, action, given, policyOf(action)));
      throw error;
    }
  }

  #entryOf(endpoint: ActionEndpoint, action: string): Entry {
    const node = endpoint.id;
    const name = nameOf(action, node);
    const known = this.#entries.get(name);
    if (known !== undefined) return known;
    const entry = { circuit: new Circuit(policyOf(action).breaker), action, node, trying: false };
    this.#entries.set(name, entry);
    return entry;
  }

  /** Its node may have gone since. */
  #isKnown(entry: Entry): boolean {
    return this.#entries.get(nameOf(entry.action, entry.node)) === entry;
  }

  /** The endpoint is looked up each time: a node that comes back has a new one. */
  #admit({ action, node }: Entry, open: boolean): void {
    const list = this.#broker?.registry.getActionEndpoints(action);
    const endpoint = list?.endpoints.find(({ id }) => id === node);
    if (endpoint !== undefined) endpoint.state = open;
  }

  #opened(entry: Entry): void {
    this.#admit(entry, false);
    this.#tell(entry);
    const timer = setTimeout(() => {
      if (!this.#isKnown(entry)) return;
      entry.circuit.letTry();
      this.#admit(entry, true);
      this.#tell(entry);
    }, entry.circuit.openMs);
    timer.unref();
  }

  #tried(entry: Entry, failed: boolean): void {
    entry.trying = false;
    entry.circuit.tried(failed);
    if (failed) {
      this.#opened(entry);
      return;
    }
    this.#admit(entry, true);
    this.#tell(entry);
  }

  #tell({ action, node, circuit }: Entry): void {
    const { state, calls, failures } = circuit;
    states.labels({ action, node }).set(value[state]);
    const text = {
      CLOSED: "A circuit is closed again",
      HALF_OPEN: "A circuit lets one call try",
      OPEN: "A circuit opened",
    };
    this.#logger?.[state === "OPEN" ? "warn" : "info"](text[state], { action, node, calls, failures });
    const service = action.slice(0, action.lastIndexOf("."));
    void this.#broker?.broadcastLocal(event[state], { nodeID: node, action, service });
  }

  #forget(node: string): void {
    for (const [name, entry] of this.#entries) {
      if (entry.node !== node) continue;
      this.#entries.delete(name);
      states.remove({ action: entry.action, node });
      this.#admit(entry, true);
    }
  }
}

export function circuitBreaker(circuits: Circuits): Middleware {
  const guard = (next: ActionHandler, { name = "" }: { name?: string }, isLocal: boolean): ActionHandler =>
    function guarded(this: unknown, ctx: Context) {
      const call = () => next.call(this as never, ctx) as Promise<unknown>;
      // A request from afar is counted where it was made.
      if (isLocal && ctx.nodeID !== ctx.broker.nodeID) return call();
      return circuits.run(ctx, name, call);
    };
  return {
    name: "CircuitBreaker",
    created: broker => {
      circuits.attach(broker);
    },
    localAction: (next, action) => (action.visibility === "private" ? next : guard(next, action, true)),
    remoteAction: (next, action) => guard(next, action, false),
  };
}
