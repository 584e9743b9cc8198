// The way to the other nodes. NATS's client reconnects for ever without telling Moleculer: this watches it, lets remote
// calls fail at once while it is away, and calls a node again when it has been heard.
import type { ActionHandler, Context, Logger, Middleware, ServiceBroker } from "moleculer";
import type { NatsConnection } from "nats";
import { fail } from "../errors.ts";
import type { Health } from "../health.ts";
import { Members } from "../members.ts";

const RETRY_AFTER_S = 2;

interface Options {
  readonly health: Health;
  /** Without a heartbeat for so long a node counts as gone, in ms. */
  readonly silenceMs: number;
}

type Followed = Pick<NatsConnection, "status" | "closed">;

class Transport {
  readonly #broker: ServiceBroker;
  readonly #logger: Logger;
  readonly #health: Health;
  readonly #members: Members;
  #away = false;

  constructor(broker: ServiceBroker, { health, silenceMs }: Options) {
    this.#broker = broker;
    this.#logger = broker.getLogger("transport");
    this.#health = health;
    this.#members = new Members(broker, silenceMs, () => !this.#away);
    this.#set("is not connected yet");
    broker.localBus.on("$transporter.connected", () => {
      const { client } = (broker.transit?.tx ?? {}) as { client?: Followed };
      this.#set(null);
      this.#members.start();
      if (client !== undefined) void this.#follow(client);
    });
  }

  get away(): boolean {
    return this.#away;
  }

  stop(): void {
    this.#members.stop();
  }

  async #follow(client: Followed): Promise<void> {
    void client.closed().then(() => {
      if (!this.#broker.stopping) this.#lost("NATS has closed the connection for good");
    });
    for await (const status of client.status()) {
      const type: string = status.type;
      if (type === "disconnect") this.#lost("NATS is away");
      else if (type === "reconnect") this.#back();
    }
  }

  #lost(problem: string): void {
    if (this.#away || this.#broker.stopping) return;
    this.#away = true;
    this.#set(problem);
    this.#logger.warn("NATS is away: remote calls fail at once", { problem });
    // What this process can do by itself goes on here.
    this.#prefer(true);
    this.#members.rejectPending();
  }

  #back(): void {
    if (!this.#away) return;
    this.#away = false;
    this.#set(null);
    this.#prefer(this.#broker.options.registry?.preferLocal ?? true);
    this.#members.greet();
    this.#logger.info("NATS is back");
  }

  #set(problem: string | null): void {
    this.#health.report("nats", problem, { critical: true });
  }

  /** Moleculer reads it at each call. */
  #prefer(local: boolean): void {
    (this.#broker.registry as unknown as { opts: { preferLocal: boolean } }).opts.preferLocal = local;
  }
}

/** Outside of Timeout and CircuitBreaker: that NATS is away says nothing about the node that was to be called. */
export function transportWatch(options: Options): Middleware {
  let transport: Transport | undefined;
  return {
    name: "TransportWatch",
    created(broker) {
      if (broker.transit !== undefined) transport = new Transport(broker, options);
    },
    remoteAction(next: ActionHandler): ActionHandler {
      return async function reach(this: unknown, ctx: Context) {
        if (transport?.away === true) {
          const detail = "The servers that connect the shop's parts are away: try again soon";
          throw fail("SERVICE_UNAVAILABLE", detail, { retryAfter: RETRY_AFTER_S });
        }
        try {
          return (await next.call(this as never, ctx)) as unknown;
        } finally {
          // Moleculer keeps the request of a call that timed out until its node is gone.
          ctx.broker.transit?.removePendingRequest(ctx.id);
        }
      };
    },
    stopping() {
      transport?.stop();
      return Promise.resolve();
    },
  };
}
