// Which nodes are there: those whose heartbeats are heard. Moleculer looks only every heartbeatTimeout, so that a dead node
// gets calls for up to twice as long, and after a pause of its own process it takes everybody else for dead.
import type { ServiceBroker } from "moleculer";

const LOOK_MS = 1_000;
/** A look that comes later than this after the last: this process was the one that stood still. */
const PAUSED_MS = 3_000;

interface Node {
  readonly id: string;
  readonly local: boolean;
  readonly available: boolean;
  readonly instanceID: string | null;
  lastHeartbeatTime: number;
}

/** The other nodes that are there, as this broker sees it. */
export const othersOf = ({ registry }: ServiceBroker): Node[] =>
  (registry.nodes.toArray() as Node[]).filter(({ local, available }) => !local && available);

/** Moleculer counts heartbeats in seconds of its process's uptime. */
const uptime = (): number => Math.round(process.uptime());

export class Members {
  readonly #broker: ServiceBroker;
  readonly #silenceMs: number;
  readonly #hears: () => boolean;
  readonly #instances = new Map<string, string | null>();
  #timer: NodeJS.Timeout | undefined;
  #lookedAt = performance.now();

  /** @param hears whether this node could hear others at all. */
  constructor(broker: ServiceBroker, silenceMs: number, hears: () => boolean) {
    this.#broker = broker;
    this.#silenceMs = silenceMs;
    this.#hears = hears;
    const recognise = ({ node }: { node: Node }): void => {
      this.#recognise(node);
    };
    broker.localBus.on("$node.connected", recognise);
    broker.localBus.on("$node.updated", recognise);
    broker.localBus.on("$node.disconnected", ({ node }: { node: Node }) => this.#instances.delete(node.id));
  }

  start(): void {
    this.#lookedAt = performance.now();
    this.#timer ??= setInterval(() => {
      this.#look();
    }, LOOK_MS).unref();
  }
  stop(): void {
    clearInterval(this.#timer);
  }

  /** Answers to what has been asked may be lost: nobody shall wait for them. */
  rejectPending(): void {
    for (const { id } of othersOf(this.#broker)) this.#broker.transit?.removePendingRequestByNodeID(id);
  }

  /**
   * Tells everybody who this is and asks who is there. Nobody is called before they have answered, or have greeted in their turn:
   * what is sent to a node that is not back yet nobody hears, and the caller would wait for all of its timeout.
   */
  greet(): void {
    const { discoverer, nodes } = this.#broker.registry;
    for (const { id } of othersOf(this.#broker)) nodes.disconnected(id, false);
    void discoverer.sendLocalNodeInfo();
    void discoverer.discoverAllNodes();
  }

  #grace(): void {
    for (const node of othersOf(this.#broker)) node.lastHeartbeatTime = uptime();
  }

  #look(): void {
    const since = performance.now() - this.#lookedAt;
    this.#lookedAt = performance.now();
    if (!this.#hears()) return;
    if (since > PAUSED_MS) {
      this.#grace();
      return;
    }
    for (const node of othersOf(this.#broker)) {
      if (uptime() - node.lastHeartbeatTime > this.#silenceMs / 1000)
        this.#broker.registry.nodes.disconnected(node.id, true);
    }
  }

  /** A process that came back under its old name within the silence: it knows nothing of what was asked before. */
  #recognise({ id, instanceID }: Node): void {
    const known = this.#instances.get(id);
    this.#instances.set(id, instanceID);
    if (known !== undefined && known !== instanceID) this.#broker.transit?.removePendingRequestByNodeID(id);
  }
}
