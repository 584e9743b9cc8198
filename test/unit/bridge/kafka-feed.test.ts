import { beforeEach, describe, expect, it } from "@jest/globals";
import type { CloudEvent } from "../../../core/contracts/common.ts";
import type { Incoming, IncomingBatch } from "../../../core/kafka.ts";
import { PartitionFeed } from "../../../services/bridge/kafka-feed.ts";
import { messageOf } from "../../../services/bridge/kafka-message.ts";
import { event } from "../../contract/event-log.contract.ts";

const TYPES = ["order.placed.v1"];

const incoming = (offset: number, one: CloudEvent): Incoming => ({ offset, ...messageOf(one) });
function batch(asked: number, count: number, type = "order.placed.v1"): IncomingBatch {
  const messages = Array.from({ length: count }, (_, index) =>
    incoming(asked + index, event("a", asked + index + 1, type)),
  );
  return { topic: "t", partition: 0, asked, last: asked + count - 1, messages };
}

describe("The feed of a partition", () => {
  let said: string[];
  let feed: PartitionFeed;
  beforeEach(() => {
    said = [];
    feed = new PartitionFeed({
      name: "t/0",
      seek: offset => said.push(`seek ${String(offset)}`),
      pause: () => said.push("pause"),
      resume: () => said.push("resume"),
      commit: offset => Promise.resolve(void said.push(`commit ${String(offset)}`)),
      committed: () => Promise.resolve(3),
      holds: () => true,
      fellBack: () => said.push("fell back"),
      foreign: offset => said.push(`foreign ${String(offset)}`),
    });
  });
  const read = async (after: number, limit = 100) => {
    const { entries, upTo } = await feed.read(after, TYPES, limit);
    return { positions: entries.map(({ position }) => position), upTo };
  };

  it("has nothing fetched before the reader says from where", async () => {
    expect(feed.take(batch(0, 2))).toBe(false);
    expect(said).toEqual(["pause"]);
    await read(3);
    expect(said).toEqual(["pause", "seek 3", "resume"]);
  });

  it("gives what was fetched, once, with the offset after it as position", async () => {
    await read(3);
    expect(feed.take(batch(3, 2))).toBe(true);
    expect(await read(3)).toEqual({ positions: [4, 5], upTo: 5 });
    expect(await read(5)).toEqual({ positions: [], upTo: 5 });
  });

  it("passes over other types, and what is none of our events", async () => {
    await read(0);
    feed.take(batch(0, 2, "order.cancelled.v1"));
    const foreign = { offset: 2, key: "x", value: "not JSON", headers: { ce_type: "order.placed.v1" } };
    feed.take({ topic: "t", partition: 0, asked: 2, last: 2, messages: [foreign] });
    expect(await read(0)).toEqual({ positions: [], upTo: 3 });
    expect(said.filter(each => each.startsWith("foreign"))).toEqual(["foreign 2"]);
  });

  it("goes back when the reader does, and leaves what was fetched before that", async () => {
    await read(0);
    feed.take(batch(0, 4));
    await read(0);
    await read(1);
    expect(said.at(-1)).toBe("seek 1");
    expect(feed.take(batch(4, 2))).toBe(false);
    expect(feed.take(batch(1, 5))).toBe(true);
    expect(await read(1)).toEqual({ positions: [2, 3, 4, 5, 6], upTo: 6 });
  });

  it("goes on behind a gap when the log keeps no longer what it had asked for", async () => {
    await read(0);
    expect(feed.take(batch(7, 2))).toBe(false);
    expect(feed.take(batch(7, 2))).toBe(true);
    expect(await read(0)).toEqual({ positions: [8, 9], upTo: 9 });
  });

  it("says that the log fell back when it is sent to what lies before its place, once more than a late fetch would", async () => {
    await read(5);
    said = [];
    expect(feed.take(batch(0, 2))).toBe(false);
    expect(said).toEqual(["seek 5"]);
    expect(feed.take(batch(0, 2))).toBe(false);
    expect(said).toEqual(["seek 5", "seek 5", "fell back"]);
    expect(await read(5)).toEqual({ positions: [], upTo: 5 });
  });

  it("takes a late fetch for no more than that, however often the reader goes elsewhere", async () => {
    for (const place of [3, 5, 7]) {
      await read(place);
      expect(feed.take(batch(0, 2))).toBe(false);
    }
    expect(said).not.toContain("fell back");
  });

  it("confirms that it is its own by what its log says to a commit of where it is", async () => {
    await feed.commit(6);
    await feed.confirm();
    expect(said).toEqual(["pause", "commit 6", "commit 6"]);
  });

  it("fetches no more while much lies unread", async () => {
    await read(0);
    feed.take(batch(0, 999));
    expect(said.at(-1)).toBe("resume");
    feed.take(batch(999, 10));
    expect(said.at(-1)).toBe("pause");
    await read(0, 400);
    expect(said.at(-1)).toBe("pause");
    await read(400, 200);
    expect(said.at(-1)).toBe("resume");
  });

  it("commits forward only", async () => {
    for (const position of [5, 4, 5, 6, 2]) await feed.commit(position);
    expect(said).toEqual(["pause", "commit 5", "commit 6"]);
    expect(await feed.committed()).toBe(6);
  });

  it("is not taken for its own when it was given away while it asked what is committed", async () => {
    const asking = feed.committed();
    feed.close();
    await expect(asking).rejects.toThrow("another process");
  });

  it("refuses everything once it was given to another", async () => {
    await read(0);
    feed.take(batch(0, 2));
    feed.close();
    await expect(feed.read(0, TYPES, 10)).rejects.toThrow("another process");
    await expect(feed.commit(9)).rejects.toThrow("another process");
    await expect(feed.committed()).rejects.toThrow("another process");
    expect(feed.take(batch(2, 2))).toBe(false);
  });
});
