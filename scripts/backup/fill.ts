// Fills empty databases and topics from a file that was checked: documents, then the log, and the groups' positions last.
import { readDump } from "../../core/backup/dump-file.ts";
import type { Outgoing } from "../../core/kafka.ts";
import type { MongoDump, Place } from "../../core/store/mongo-dump.ts";
import type { LogCopy, Position } from "./log-copy.ts";

interface FillOptions {
  readonly file: string;
  readonly dump: Pick<MongoDump, "insert">;
  readonly log: Pick<LogCopy, "make" | "append" | "goOn">;
  readonly signal: AbortSignal;
}

const BATCH = 500;
/** A broker takes a megabyte at once. */
const BATCH_BYTES = 500_000;

/** Gathers what goes to one place and hands it on in batches, one after the other. */
class Gathered<T> {
  readonly #give: (key: string, items: readonly T[]) => Promise<void>;
  #key = "";
  #items: T[] = [];
  #size = 0;

  constructor(give: (key: string, items: readonly T[]) => Promise<void>) {
    this.#give = give;
  }

  async add(key: string, item: T, size: number): Promise<void> {
    if (key !== this.#key || this.#items.length >= BATCH || this.#size + size > BATCH_BYTES) await this.flush();
    this.#key = key;
    this.#items.push(item);
    this.#size += size;
  }

  async flush(): Promise<void> {
    const items = this.#items;
    [this.#items, this.#size] = [[], 0];
    if (items.length > 0) await this.#give(this.#key, items);
  }
}

const placeOf = (name: string): Place => {
  const [service = "", collection = ""] = name.split("/");
  return { service, collection };
};

export async function fillCluster({ file, dump, log, signal }: FillOptions): Promise<void> {
  const documents = new Gathered<string>((place, bodies) => dump.insert(placeOf(place), bodies));
  const messages = new Gathered<Outgoing>((key, batch) => {
    const [topic = "", partition] = key.split(" ");
    return log.append(topic, Number(partition), batch);
  });
  const topics = new Map<string, number>();
  const positions: Position[] = [];
  let isMade = false;
  for await (const line of readDump(file)) {
    signal.throwIfAborted();
    if (line.kind === "topic") topics.set(line.topic, line.partitions);
    else if (!isMade) {
      await log.make(topics);
      isMade = true;
    }
    if (line.kind === "document") await documents.add(line.place, line.body, line.body.length);
    if (line.kind === "message") {
      const key = `${line.topic} ${String(line.partition)}`;
      await messages.add(key, JSON.parse(line.body) as Outgoing, line.body.length);
    }
    if (line.kind === "group" && line.done > 0) positions.push({ ...line, offset: line.done });
  }
  await documents.flush();
  await messages.flush();
  await log.goOn(positions);
}
