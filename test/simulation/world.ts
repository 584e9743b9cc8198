// Everything there is in one run: durable storages and log, the processes over them, the network between, and time.
import type { Config } from "../../core/config.ts";
import type { Random } from "../../core/kernel/random.ts";
import { createRelay } from "../../core/store/relay.ts";
import type { EventLog } from "../../services/bridge/event-log.ts";
import type { Driver } from "../../core/store/driver.ts";
import { callerOf } from "../../core/context.ts";
import { createMemoryLogDisk } from "../support/memory-log.ts";
import type { Chance } from "./chance.ts";
import { ShopProcess, type CreateService, type Ground } from "./cluster.ts";
import { createDurable, reach, type Reach } from "./durable.ts";
import { reachLog } from "./durable-log.ts";
import { noFaults, type Faults } from "./faults.ts";
import { Network } from "./network.ts";
import type { Mutant } from "./mutant.ts";
import { Scheduler } from "./scheduler.ts";
import { SimNode } from "./sim-node.ts";

export interface WorldOptions {
  readonly chance: Chance;
  readonly config: Config;
  readonly services: readonly CreateService[];
  readonly mutant: Mutant;
  /** How many processes host the shop. */
  readonly size: number;
}

const START = Date.parse("2020-01-01T00:00:00.000Z");
const MOST_SKEW = 40;

export class World {
  readonly scheduler = new Scheduler(START);
  readonly durable = createDurable();
  readonly disk = createMemoryLogDisk();
  readonly trace: string[] = [];
  readonly network: Network;
  readonly processes: ShopProcess[] = [];
  faults: Faults = noFaults;
  readonly #options: WorldOptions;
  readonly #ground: Ground;
  #boots = 0;
  #consumer: ShopProcess | null = null;
  #generation = 0;
  #release: () => void = () => undefined;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#ground = this.#layGround();
    this.network = new Network({
      scheduler: this.scheduler,
      chance: options.chance.fork("network"),
      faults: () => this.faults,
      hosts: () => this.processes,
      note: text => {
        this.note(text);
      },
    });
    for (let place = 0; place < options.size; place += 1) this.boot(place);
    this.rebalance();
  }

  get now(): number {
    return this.scheduler.now;
  }

  get consumer(): ShopProcess | null {
    return this.#consumer;
  }

  note(text: string): void {
    this.trace.push(`${String(this.scheduler.now - START)} ${text}`);
  }

  /** A new process in the place of one that died. */
  boot(place: number): void {
    const boot = (this.#boots += 1);
    const name = `node${String(place + 1)}`;
    const chance = this.#options.chance.fork(`process ${String(boot)}`);
    const skew = chance.between(-MOST_SKEW, MOST_SKEW);
    let ids = 0;
    const id = (): string => `boot${String(boot)}-${String((ids += 1))}`;
    const random: Random = { id, fraction: () => chance.fraction() };
    const process = new ShopProcess(new SimNode(name, this.scheduler, skew), random, this.#ground);
    this.processes[place] = process;
    this.note(`${name} boots (${String(boot)})`);
    process.start();
  }

  crash(place: number): void {
    const process = this.processes[place];
    if (process?.alive !== true) return;
    process.node.die();
    this.note(`${process.name} dies`);
  }

  /** An orderly stop; a new process takes the place when it is done. */
  replace(place: number): void {
    const process = this.processes[place];
    if (process?.alive !== true || process.leaving) return;
    this.note(`${process.name} stops`);
    void process.leave().then(() => {
      if (this.processes[place] !== process) return;
      this.note(`${process.name} has stopped`);
      this.boot(place);
      if (this.#consumer?.alive !== true) this.rebalance();
    });
  }

  freeze(place: number, ms: number): void {
    const process = this.processes[place];
    if (process?.alive !== true) return;
    process.node.freeze(ms);
    this.note(`${process.name} freezes for ${String(ms)}`);
  }

  /** Gives the bridge's consumer groups to a process that lives; the one before may not know it yet. */
  rebalance(): void {
    const live = this.processes.filter(({ alive, node }) => alive && !node.frozen);
    const next = live.find(process => process !== this.#consumer) ?? live[0];
    const before = this.#consumer;
    if (next === undefined || next === before) return;
    this.#consumer = next;
    before?.resume(this.#release);
    this.note(`${next.name} consumes`);
    const generation = (this.#generation += 1);
    this.#release = next.consume(this.#logOf(next.node, () => generation === this.#generation));
  }

  #reachOf(node: SimNode): Reach {
    return {
      scheduler: this.scheduler,
      node,
      faults: () => this.faults,
      note: text => {
        this.note(text);
      },
    };
  }

  #logOf(node: SimNode, owns: () => boolean): EventLog {
    return reachLog(this.#reachOf(node), this.disk, owns);
  }

  #layGround(): Ground {
    const { config, mutant } = this.#options;
    const open: Ground["open"] = (node, database, spec) => {
      const driver: Driver = this.durable.driver(database, spec);
      const reached = reach(this.#reachOf(node), database, spec, mutant.durable?.(driver, spec) ?? driver);
      return mutant.driver?.(reached, spec, node) ?? reached;
    };
    return {
      config,
      open,
      hand: (store, spec) => mutant.store?.(store, spec) ?? store,
      services: this.#options.services,
      log: node => this.#logOf(node, () => false),
      call: (node, action, params, meta) => {
        const call = () => this.network.call(node, action, params, meta);
        return mutant.call === undefined ? call() : mutant.call(call, action, params);
      },
      relay: (process, database) => {
        const call = callerOf(process.broker, "relay");
        const relay = createRelay({
          stores: () =>
            database
              .stores()
              .filter(({ spec }) => spec.eventless !== true)
              .map(store => mutant.outbox?.(store) ?? store),
          append: events => call("v1.bridge.append", { events }),
          clock: process.node.clock,
          random: process.random,
          logger: { warn: this.#warn, error: this.#warn },
        });
        relay.start();
        return relay;
      },
      note: text => {
        this.note(text);
      },
    };
  }

  readonly #warn = (message: string, data: unknown): void => {
    this.note(`relay: ${message} ${data instanceof Error ? data.message : ""}`);
  };
}
