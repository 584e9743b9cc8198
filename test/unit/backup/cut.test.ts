// The proof of a cut, without a server: documents of two services that are written while they are read.
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as pause } from "node:timers/promises";
import { takeCut } from "../../../core/backup/cut.ts";
import { WorkingSet } from "../../../core/backup/working-set.ts";
import type { Place, RawDocument } from "../../../core/store/mongo-dump.ts";
import { temporaryFolder } from "../../../scripts/support/shop.ts";

const cause: Place = { service: "order", collection: "orders" };
const effect: Place = { service: "billing", collection: "payments" };
const entries: Place = { service: "billing", collection: "payments_entries" };
const nameOf = ({ service, collection }: Place): string => `${service}/${collection}`;

/** Each step writes a document of one service, then of the other, with an entry one write behind, as MongoDB has them. */
function twoServices() {
  const stored = new Map<string, Map<string, RawDocument>>(
    [cause, effect, entries].map(place => [nameOf(place), new Map()]),
  );
  const all = (place: Place) => stored.get(nameOf(place)) ?? new Map<string, RawDocument>();
  const put = (place: Place, id: string, owner = id): number => {
    const version = (all(place).get(id)?.version ?? 0) + 1;
    all(place).set(id, { id, owner, version, body: JSON.stringify({ id, version }) });
    return version;
  };
  let steps = 0;
  return {
    async step(): Promise<void> {
      const id = `d${String((steps += 1) % 40)}`;
      put(cause, id);
      await pause();
      if (all(effect).has(id)) put(entries, `${id}/e`, id);
      put(effect, id);
    },
    dump: {
      places: () => Promise.resolve([effect, entries, cause]),
      async *documents(place: Place): AsyncGenerator<RawDocument> {
        for (const id of [...all(place).keys()]) {
          await pause();
          const found = all(place).get(id);
          if (found !== undefined) yield found;
        }
      },
      async *versions(place: Place): AsyncGenerator<RawDocument> {
        yield* this.documents(place);
      },
      async whole(place: Place, ids: readonly string[]) {
        const documents = ids.flatMap(id => all(place).get(id) ?? []);
        await pause();
        const rows = place === effect ? [...all(entries).values()].filter(({ owner }) => ids.includes(owner)) : [];
        return { documents, entries: rows };
      },
    },
  };
}

describe("A cut through documents that are written", () => {
  let folder: string;
  let set: WorkingSet;
  beforeEach(() => {
    folder = temporaryFolder();
    set = new WorkingSet(join(folder, "set.sqlite"));
  });
  afterEach(() => {
    set.remove();
    rmSync(folder, { recursive: true });
  });

  /** @param heeds whether the writer waits while it is asked to; `lastsMs` how long it would */
  async function cutWhileWriting(heeds: boolean, lastsMs = 60_000): Promise<number> {
    const services = twoServices();
    for (let n = 0; n < 100; n += 1) await services.step();
    const over = new AbortController();
    let [held, writtenInMark, holds] = [false, 0, 0];
    const writer = (async () => {
      while (!over.signal.aborted) {
        if (held && heeds) await pause();
        else await services.step();
      }
    })();
    const holder = {
      lastsMs,
      async hold() {
        holds += 1;
        held = true;
        await pause();
      },
      release() {
        held = false;
        return Promise.resolve();
      },
    };
    try {
      const mark = (): Promise<void> => {
        writtenInMark += 1;
        return Promise.resolve();
      };
      await takeCut({ dump: services.dump, set, holder, mark, signal: new AbortController().signal });
      expect(writtenInMark).toBeGreaterThan(1);
      return holds;
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : String(error)} (${String(holds)} holds)`, {
        cause: error,
      });
    } finally {
      over.abort();
      await writer;
    }
  }

  const versionsIn = (place: Place): Map<string, number> =>
    new Map(
      [...set.items()]
        .filter(item => item.place === nameOf(place))
        .map(({ body }) => {
          const { id, version } = JSON.parse(body) as { id: string; version: number };
          return [id, version];
        }),
    );

  it("shows them as they were at one moment", async () => {
    await cutWhileWriting(true);
    const [causes, effects, rows] = [versionsIn(cause), versionsIn(effect), versionsIn(entries)];
    // At any moment one document is at most one write ahead of its effect, and of the others none.
    const ahead = [...causes].map(([id, version]) => version - (effects.get(id) ?? 0));
    expect(ahead.every(by => by === 0 || by === 1)).toBe(true);
    expect(ahead.filter(by => by === 1).length).toBeLessThanOrEqual(1);
    for (const [id, version] of effects) expect([version - 1, version]).toContain(rows.get(`${id}/e`) ?? 0);
  });

  it("is given up after one hold that was too short", async () => {
    await expect(cutWhileWriting(false, 0)).rejects.toThrow(/takes longer than .* holds its writes.*\(1 holds\)/);
  });

  it("is not claimed when somebody writes all the time", async () => {
    await expect(cutWhileWriting(false)).rejects.toThrow("documents were written all the time");
  }, 30_000);
});
