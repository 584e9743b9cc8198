// A process that delivers one subscriber's feeds and prints what it delivers: `<event id>` a line, `feeds <count>` as they change.
// Arguments: BROKERS NAMESPACE SUBSCRIBER.
import { systemClock, systemRandom } from "../../core/system.ts";
import { createDelivery } from "../../services/bridge/delivery.ts";
import { createSubscriptions } from "../../services/bridge/subscriptions.ts";
import { openKafkaLog } from "./kafka.ts";

const [brokers = "", namespace = "", subscriber = ""] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const log = await openKafkaLog(brokers.split(","), namespace);

const subscriptions = createSubscriptions({
  log,
  clock: systemClock,
  create: (name, types, feed) =>
    createDelivery({
      ...{ feed, types, letters: log, subscriber: name, clock: systemClock, random: systemRandom },
      react: ({ events }) => {
        for (const { id } of events) say(id);
        return Promise.resolve({ outcomes: events.map(({ id }) => ({ id, outcome: "done" as const })) });
      },
      park: () => Promise.resolve({}),
    }),
  onError: error => {
    process.stderr.write(`${String(error)}\n`);
  },
  onFeeds: (_subscriber, count) => {
    say(`feeds ${String(count)}`);
  },
});
subscriptions.follow(new Map([[subscriber, ["order.placed.v1"]]]));
process.on("SIGTERM", () => {
  void subscriptions
    .stop()
    .then(() => log.close())
    .then(() => process.exit(0));
});
setInterval(() => undefined, 1_000);
