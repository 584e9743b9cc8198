// A process of a group: a delivery per feed, driven round by round by the test.
import { setTimeout as delay } from "node:timers/promises";
import type { CloudEvent } from "../../core/contracts/common.ts";
import { createDelivery, type Delivery, type DeliveryOptions } from "../../services/bridge/delivery.ts";
import type { EventLog } from "../../services/bridge/event-log.ts";
import type { Feed } from "../../services/bridge/feed.ts";
import { createManualRandom, type ManualClock } from "./manual-clock.ts";

export interface ConsumerOptions extends Pick<DeliveryOptions, "react" | "park"> {
  readonly log: EventLog;
  readonly group: string;
  readonly types: readonly string[];
  readonly clock: ManualClock;
}

export interface Consumer {
  feeds(): Feed[];
  /** The feed that holds the event, once this process has it. */
  feedOf(event: CloudEvent): Promise<Feed>;
  /** Until the log has nothing left and nothing waits for another attempt. */
  drain(): Promise<void>;
  /** Until everything was read, time standing still, and then more rounds, each when it is due. */
  attempt(rounds: number): Promise<void>;
  replay(): Promise<{ replayed: number; left: number }>;
  breakCommits(error: Error | null): void;
  stop(): Promise<void>;
}

const PATIENCE_MS = 30_000;
const PAUSE_MS = 20;

interface Fed {
  readonly delivery: Delivery;
  seenTo: number;
}

export function consume({ log, group, types, clock, react, park }: ConsumerOptions): Consumer {
  const feeds = new Map<Feed, Fed>();
  let broken: Error | null = null;

  function watched(feed: Feed, onRead: (upTo: number) => void): Feed {
    return {
      name: feed.name,
      async read(after, wanted, limit) {
        const reading = await feed.read(after, wanted, limit);
        onRead(reading.upTo);
        return reading;
      },
      committed: () => feed.committed(),
      confirm: () => feed.confirm(),
      commit: position => (broken === null ? feed.commit(position) : Promise.reject(broken)),
      holds: event => feed.holds(event),
    };
  }

  const subscription = log.subscribe(group, types, {
    opened(feed) {
      const fed: Fed = {
        delivery: createDelivery({
          feed: watched(feed, upTo => {
            fed.seenTo = upTo;
          }),
          letters: log,
          subscriber: group,
          ...{ types, react, park, clock, random: createManualRandom() },
        }),
        seenTo: 0,
      };
      feeds.set(feed, fed);
    },
    grew: () => undefined,
    closed(feed) {
      feeds.delete(feed);
    },
  });

  async function hasSeenAll(): Promise<boolean> {
    const seen = new Map([...feeds].map(([{ name }, { seenTo }]) => [name, seenTo]));
    return (await log.lag(group, types)).every(({ feed, end }) => (seen.get(feed) ?? -1) >= end);
  }
  async function rounds({ waiting }: { waiting: boolean }): Promise<boolean> {
    let idle = true;
    for (const { delivery } of feeds.values()) {
      const wait = await delivery.round();
      if (wait !== null) idle = false;
      if (waiting) await clock.advance(wait ?? 0);
    }
    return idle;
  }
  async function until(isDone: () => Promise<boolean>): Promise<void> {
    const end = Date.now() + PATIENCE_MS;
    while (!(await isDone())) {
      if (Date.now() > end) throw new Error(`${group} did not come to the end of its feeds`);
      await delay(PAUSE_MS);
    }
  }

  return {
    feeds: () => [...feeds.keys()],
    async feedOf(event) {
      const found = () => [...feeds.keys()].find(feed => feed.holds(event));
      await until(() => Promise.resolve(found() !== undefined));
      return found() as Feed;
    },
    drain: () => until(async () => (await rounds({ waiting: true })) && (await hasSeenAll())),
    async attempt(count) {
      await until(async () => {
        await rounds({ waiting: false });
        return hasSeenAll();
      });
      for (let round = 1; round < count; round += 1) await rounds({ waiting: true });
    },
    async replay() {
      const shares: { replayed: number; left: number }[] = [];
      for (const { delivery } of feeds.values())
        shares.push(await delivery.replay(() => log.deadLetters({ subscriber: group })));
      const sum = (key: "replayed" | "left") => shares.reduce((total, share) => total + share[key], 0);
      return { replayed: sum("replayed"), left: sum("left") };
    },
    breakCommits(error) {
      broken = error;
    },
    stop: () => subscription.stop(),
  };
}
