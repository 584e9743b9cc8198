// Answers the benchmark of calls: the same echo as a Moleculer action with everything that our brokers do around one,
// and as a bare NATS subscription.
import { ServiceBroker, type Context } from "moleculer";
import { connect } from "nats";
import { loadConfig } from "../../core/config.ts";
import { natsOptions } from "../../core/nats.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { echoAction, rawSubject } from "./rpc-echo.ts";

const config = loadConfig([]);
if (config.cluster === null) throw new Error("The worker needs NATS_URL, MONGO_URL and KAFKA_BROKERS");

const broker = new ServiceBroker(brokerOptions(config));
broker.createService({
  name: "bench",
  version: 1,
  actions: { echo: { ...echoAction, handler: (ctx: Context) => ctx.params } },
});
await broker.start();

const connection = await connect(natsOptions(config.cluster.nats));
connection.subscribe(rawSubject, {
  queue: "bench",
  callback: (_error, message) => {
    message.respond(JSON.stringify(message.json()));
  },
});
await connection.flush();
process.stdout.write("ready\n");
process.on("SIGTERM", () => {
  void Promise.all([broker.stop(), connection.close()]).then(() => process.exit(0));
});
