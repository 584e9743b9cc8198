// Two mends of consumers of the Kafka client (2.2.4).
// One that is stopped while it joins its group runs all the same once it has joined (tulios/kafkajs#1639): a member that
// nobody knows, with a share of the partitions that nobody reads. Here it leaves again.
// One that begins anew after a crash joins as a stranger, and the group waits for the member that it was until that one's
// session ends. Here it joins as that member, unless it could leave: Kafka tells one that it does not know to join anew.
import { createRequire } from "node:module";

interface Runner {
  running: boolean;
  readonly consumerGroup: {
    /** The same before and after a crash. */
    readonly cluster: { disconnect(): Promise<void> };
    /** Null before it has joined and after it has left. */
    memberId: string | null;
    leave(): Promise<void>;
  };
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Each fetch of a consumer that runs begins with it, the first one once it has joined. */
  scheduleFetchManager(): void;
}

/** Of the client's own, which it does not export by name. */
const { prototype } = createRequire(import.meta.url)("kafkajs/src/consumer/runner.js") as {
  readonly prototype: Runner;
};

const stopped = new WeakSet<Runner>();
const latest = new WeakMap<object, Runner["consumerGroup"]>();

async function leave({ consumerGroup }: Runner): Promise<void> {
  try {
    await consumerGroup.leave();
  } finally {
    // It was disconnected when it was stopped, and has connected anew.
    await consumerGroup.cluster.disconnect();
  }
}

// For every consumer that this process makes.
const start = Reflect.get(prototype, "start");
prototype.start = function (this: Runner): Promise<void> {
  const { consumerGroup } = this;
  consumerGroup.memberId ??= latest.get(consumerGroup.cluster)?.memberId ?? null;
  latest.set(consumerGroup.cluster, consumerGroup);
  return start.call(this);
};
const stop = Reflect.get(prototype, "stop");
prototype.stop = function (this: Runner): Promise<void> {
  stopped.add(this);
  return stop.call(this);
};
const schedule = Reflect.get(prototype, "scheduleFetchManager");
prototype.scheduleFetchManager = function (this: Runner): void {
  if (this.running && stopped.has(this)) {
    this.running = false;
    leave(this).catch(() => undefined);
  }
  schedule.call(this);
};
