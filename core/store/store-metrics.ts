// How a service's database does: how long its operations take, its lost races, and what waits in its outbox.
import { performance } from "node:perf_hooks";
import type { Clock } from "../kernel/clock.ts";
import { counter, gauge, histogram } from "../metrics/registry.ts";
import type { Histogram } from "../metrics/series.ts";
import type { Driver, OpenDriver } from "./driver.ts";
import type { CollectionStore } from "./group-commit.ts";

const seconds = histogram("comptoir_store_seconds");
const conflicts = counter("comptoir_store_conflicts_total");
const events = gauge("comptoir_outbox_events");
const oldest = gauge("comptoir_outbox_oldest_seconds");
const parked = gauge("comptoir_outbox_parked");

/** Also what failed took its time: a database that does not answer is the slowest there is. */
function timed<T>(series: Histogram, answer: Promise<T>): Promise<T> {
  const begin = performance.now();
  const end = (): void => {
    series.observe((performance.now() - begin) / 1_000);
  };
  answer.then(end, end);
  return answer;
}

/** @param database the service's name of it. */
export function measuredDrivers(openDriver: OpenDriver, database: string): OpenDriver {
  const [load, list, write, outbox] = ["load", "list", "write", "outbox"].map(operation =>
    seconds.labels({ database, operation }),
  ) as [Histogram, Histogram, Histogram, Histogram];
  return (spec): Driver => {
    const driver = openDriver(spec);
    return {
      ...(driver.isCertain === true ? { isCertain: true } : {}),
      durable: () => driver.durable(),
      read: asks => timed(load, driver.read(asks)),
      write: writes => timed(write, driver.write(writes)),
      list: query => timed(list, driver.list(query)),
      count: () => timed(list, driver.count()),
      due: (now, limit) => timed(list, driver.due(now, limit)),
      pending: (limit, without) => timed(outbox, driver.pending(limit, without)),
      pendingOf: (ids, limit) => timed(outbox, driver.pendingOf(ids, limit)),
      acknowledge: acknowledgements => timed(outbox, driver.acknowledge(acknowledgements)),
      pendingCount: () => timed(outbox, driver.pendingCount()),
    };
  };
}

export function conflictCounter(database: string): () => void {
  const own = conflicts.labels({ database });
  return () => {
    own.inc();
  };
}

interface OutboxOptions {
  readonly database: string;
  readonly stores: () => readonly Pick<CollectionStore<unknown, unknown>, "backlog" | "pending">[];
  /** Streams that stand still. */
  readonly parked: () => number;
  readonly clock: Clock;
}

/** Shows the outbox: its depth is what the relay has counted, its age is asked for by each round of what this returns. */
export function showOutbox({ database, stores, clock, parked: standing }: OutboxOptions): () => Promise<void> {
  const labels = { database };
  const [depth, age, still] = [events.labels(labels), oldest.labels(labels), parked.labels(labels)];
  events.onScrape(() => {
    depth.set(stores().reduce((sum, store) => sum + store.backlog(), 0));
  });
  parked.onScrape(() => {
    still.set(standing());
  });
  return async () => {
    const waiting = stores().filter(store => store.backlog() > 0);
    const first = (await Promise.all(waiting.map(store => store.pending(1)))).flat();
    const times = first.map(({ time }) => Date.parse(time));
    age.set(times.length === 0 ? 0 : Math.max(0, clock.now() - Math.min(...times)) / 1_000);
  };
}
