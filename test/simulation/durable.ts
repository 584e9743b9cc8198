// What outlives every process: a storage per database, and how a process reaches it.
import type { CollectionSpec } from "../../core/store/port.ts";
import type { Driver, Write } from "../../core/store/driver.ts";
import { createMemoryDriver, createMemoryStorage, type MemoryStorage } from "../support/memory-driver.ts";
import type { Faults, OperationFate } from "./faults.ts";
import type { Scheduler } from "./scheduler.ts";
import type { SimNode } from "./sim-node.ts";

export interface Durable {
  readonly storages: ReadonlyMap<string, MemoryStorage>;
  /** Ids of events in the order in which they were written, over all databases. */
  readonly written: ReadonlySet<string>;
  /** One per collection, whoever asks: its unique indexes are those of the storage. */
  driver(database: string, spec: CollectionSpec<unknown>): Driver;
}

export function createDurable(): Durable {
  const storages = new Map<string, MemoryStorage>();
  const drivers = new Map<string, Driver>();
  const written = new Set<string>();
  const recording = (driver: Driver): Driver => ({
    ...driver,
    async write(writes) {
      const outcomes = await driver.write(writes);
      for (const [index, { events }] of writes.entries())
        if (outcomes[index]?.kind === "written") for (const { id } of events) written.add(id);
      return outcomes;
    },
  });
  return {
    storages,
    written,
    driver(database, spec) {
      const storage = storages.get(database) ?? createMemoryStorage();
      storages.set(database, storage);
      const name = `${database}.${spec.name}`;
      const driver = drivers.get(name) ?? recording(createMemoryDriver(spec, storage));
      drivers.set(name, driver);
      return driver;
    },
  };
}

export interface Reach {
  readonly scheduler: Scheduler;
  readonly node: SimNode;
  readonly faults: () => Faults;
  readonly note: (text: string) => void;
}

const LATENESS = 4_000;

/** `act` happens when the fate says, whatever became of who asked; the asker is told if it still lives. */
export function operate<T>({ scheduler, node }: Reach, fate: OperationFate, act: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const tell = (after: number, settle: () => void): void => {
      scheduler.in(after, () => {
        node.resume(settle);
      });
    };
    const unknown = (): void => {
      reject(new Error("The connection was lost"));
    };
    const happen = (then: (settle: () => void) => void): void => {
      if (!node.alive && !fate.survives) return;
      act().then(
        result => {
          then(() => {
            resolve(result);
          });
        },
        (error: unknown) => {
          then(() => {
            reject(error instanceof Error ? error : new Error(String(error)));
          });
        },
      );
    };
    if (fate.outcome === "lost") {
      tell(fate.before + fate.after, unknown);
      return;
    }
    if (fate.outcome === "late") tell(fate.before, unknown);
    const effect = (): void => {
      happen(settle => {
        if (fate.outcome !== "late") tell(fate.after, fate.outcome === "done" ? settle : unknown);
      });
    };
    const moment = fate.before + (fate.outcome === "late" ? LATENESS : 0);
    if (moment === 0) effect();
    else scheduler.in(moment, effect);
  });
}

/** A process's connection to one collection. */
export function reach(reach: Reach, database: string, spec: CollectionSpec<unknown>, driver: Driver): Driver {
  const { faults, note, node } = reach;
  function run<T>(kind: string, about: string, act: (fate: OperationFate) => Promise<T>): Promise<T> {
    const fate = faults().operation(database, spec.name, kind);
    if (kind === "write" || fate.outcome !== "done")
      note(`${node.name} ${kind} ${database}.${spec.name} ${about} ${fate.outcome}`);
    return operate(reach, fate, () => act(fate));
  }
  const documents = (writes: readonly Write[]): string =>
    writes
      .map(({ document: { id, version }, events }) => `${id}@${String(version)}+${String(events.length)}`)
      .join(" ");
  return {
    durable: () => driver.durable(),
    read: asks => run("read", String(asks.length), () => driver.read(asks)),
    write: writes =>
      run("write", documents(writes), ({ outcome }) =>
        driver.write(outcome === "done" ? writes : writes.filter(() => writes.length === 1 || faults().partly())),
      ),
    list: query => run("list", "", () => driver.list(query)),
    count: () => run("count", "", () => driver.count()),
    due: (now, limit) => run("due", "", () => driver.due(now, limit)),
    pending: (limit, parked) => run("pending", "", () => driver.pending(limit, parked)),
    pendingOf: (ids, limit) => run("pendingOf", "", () => driver.pendingOf(ids, limit)),
    acknowledge: acks => run("acknowledge", "", () => driver.acknowledge(acks)),
    pendingCount: () => run("pendingCount", "", () => driver.pendingCount()),
  };
}
