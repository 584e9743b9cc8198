// npm run events -- COMMAND: looks at the event log of a running shop and has events delivered again.
import { Command, InvalidArgumentError } from "commander";
import { ConfigError, loadImportConfig } from "../../core/config.ts";
import { StartupError } from "../../core/startup-error.ts";
import { ShopError, type Shop } from "../import/client.ts";
import { connect, INTERRUPTED, interruptible, shopUrl } from "../support/administrator.ts";
import { deadLetters, lag, replay, topics, type Replayed } from "./requests.ts";
import { deadLetterTable, lagTable, topicTable } from "./tables.ts";

interface Common {
  readonly url?: string;
}
interface Range extends Common {
  readonly from?: string;
  readonly to?: string;
  readonly types?: string;
}

const program = new Command("events");
const print = (text: string): void => void process.stdout.write(`${text}\n`);

function moment(text: string): string {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) throw new InvalidArgumentError("It must be a time such as 2026-01-31T12:00:00Z.");
  return time.toISOString();
}

/** Ends as every tool on a shop does: one line that says what is wrong, and a code. */
async function withShop(work: (shop: Shop) => Promise<void>): Promise<void> {
  const { signal } = interruptible();
  const { url } = program.opts<Common>();
  try {
    const shop = await connect(loadImportConfig(), { url, connections: 1, signal });
    await work(shop).finally(() => shop.close());
  } catch (error) {
    const isForTheUser = error instanceof ShopError || error instanceof StartupError || error instanceof ConfigError;
    if (!signal.aborted && !isForTheUser) throw error;
    process.stderr.write(`events: ${signal.aborted ? "stopped" : (error as Error).message}\n`);
    process.exitCode = signal.aborted ? INTERRUPTED : 1;
  }
}

function tell(subscriber: string, { replayed, left }: Replayed): void {
  print(JSON.stringify({ subscriber, replayed, left }));
  if (left === 0) return;
  process.stderr.write(
    `events: ${String(left)} could not be delivered: npm run events -- dead-letters ${subscriber} says why\n`,
  );
  process.exitCode = 1;
}

program
  .description("Looks at the event log of a running shop, and has events delivered again.")
  .option("--url <url>", "where the shop is (default: COMPTOIR_PORT on this host)", shopUrl);

program
  .command("topics")
  .description("what the log consists of")
  .action(() =>
    withShop(async shop => {
      print(topicTable(await topics(shop)));
    }),
  );

program
  .command("lag")
  .description("how many events each subscriber has before it")
  .action(() =>
    withShop(async shop => {
      print(lagTable(await lag(shop)));
    }),
  );

program
  .command("dead-letters")
  .argument("[subscriber]", "a service's name (default: all)")
  .description("events that a subscriber could not take, and those that wait behind them")
  .action((subscriber: string | undefined) =>
    withShop(async shop => {
      print(deadLetterTable(await deadLetters(shop, subscriber)));
    }),
  );

program
  .command("replay")
  .argument("<subscriber>", "a service's name")
  .option("--from <time>", "deliver everything from this time on again, not the dead letters", moment)
  .option("--to <time>", "before this time (default: now)", moment)
  .option("--types <list>", "event types, comma separated (default: all that it takes)")
  .description("deliver the subscriber's dead letters, or a range of time, again")
  .action((subscriber: string, options: Range) =>
    withShop(async shop => {
      tell(subscriber, await replay(shop, { subscriber, ...options }));
    }),
  );

await program.parseAsync();
