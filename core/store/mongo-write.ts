// Conditional writes of one moment: two commands at most, and each write's own outcome from their sums.
import {
  MongoBulkWriteError,
  type AnyBulkWriteOperation,
  type Collection,
  type UpdateFilter,
  type WriteError,
} from "mongodb";
import type { Write, WriteOutcome } from "./driver.ts";
import { indexName } from "./mongo-indexes.ts";
import type { Positions } from "./mongo-outbox.ts";
import { toFields, toFresh, type DocumentRow } from "./mongo-rows.ts";
import type { CollectionSpec } from "./port.ts";
import { recognise } from "./unknown-outcome.ts";

const DUPLICATE_KEY = 11000;

interface Applied {
  /** How many documents fitted their condition. */
  readonly matched: number;
  readonly refused: readonly WriteError[];
}

/** @throws when the server did not say of each write whether it was applied and is durable */
async function applied(act: () => Promise<number>): Promise<Applied> {
  try {
    return { matched: await act(), refused: [] };
  } catch (error) {
    if (!(error instanceof MongoBulkWriteError) || error.result.getWriteConcernError() !== undefined) throw error;
    const refused = [error.writeErrors].flat();
    if (refused.length === 0 || refused.some(({ code }) => code !== DUPLICATE_KEY)) throw error;
    return { matched: error.result.matchedCount, refused };
  }
}

export class MongoWrites {
  readonly #spec: CollectionSpec<unknown>;
  readonly #documents: () => Collection<DocumentRow>;
  readonly #positions: Positions;

  constructor(spec: CollectionSpec<unknown>, documents: () => Collection<DocumentRow>, positions: Positions) {
    this.#spec = spec;
    this.#documents = documents;
    this.#positions = positions;
  }

  /** @throws when the outcome of any of them is unknown */
  async apply(writes: readonly Write[]): Promise<Map<Write, WriteOutcome>> {
    const fresh = writes.filter(({ expected }) => expected === 0);
    const others = writes.filter(({ expected }) => expected !== 0);
    // Also after a failure: no part of it may still be under way when somebody looks what became of it.
    const results = await Promise.allSettled([this.#insert(fresh), this.#update(others)]);
    return new Map(
      results.flatMap(result => {
        if (result.status === "rejected") throw result.reason;
        return [...result.value];
      }),
    );
  }

  async #insert(writes: readonly Write[]): Promise<Map<Write, WriteOutcome>> {
    if (writes.length === 0) return new Map();
    const rows = writes.map(write => this.#toRow(write));
    const { refused } = await applied(async () => {
      await this.#documents().insertMany(rows, { ordered: false });
      return 0;
    });
    const failed = new Map(refused.map(error => [error.index, this.#refusal(error)]));
    return new Map(writes.map((write, index) => [write, failed.get(index) ?? { kind: "written" }]));
  }

  async #update(writes: readonly Write[]): Promise<Map<Write, WriteOutcome>> {
    if (writes.length === 0) return new Map();
    const operations = writes.map(write => this.#toOperation(write));
    const { matched, refused } = await applied(async () => {
      const { matchedCount } = await this.#documents().bulkWrite(operations, { ordered: false });
      return matchedCount;
    });
    const failed = new Map(refused.map(error => [writes[error.index], this.#refusal(error)]));
    const open = writes.filter(write => !failed.has(write));
    const outcomes = await this.#told(open, matched);
    return new Map(writes.map(write => [write, failed.get(write) ?? outcomes.get(write) ?? { kind: "conflict" }]));
  }

  /** The server tells how many conditions were met, not which: where only some were, the documents know whose write they hold. */
  async #told(writes: readonly Write[], matched: number): Promise<Map<Write, WriteOutcome>> {
    const all = (kind: "written" | "conflict") => new Map(writes.map(write => [write, { kind }]));
    if (matched === writes.length) return all("written");
    if (matched === 0) return all("conflict");
    const rows = await this.#documents()
      .find({ _id: { $in: writes.map(({ document }) => document.id) } }, { projection: { version: 1, writes: 1 } })
      .toArray();
    const found = new Map(rows.map(row => [row._id, row]));
    return new Map(
      writes.map((write): [Write, WriteOutcome] => {
        const finding = recognise(found.get(write.document.id) ?? null, write);
        if (finding === "forgotten") throw new Error(`What became of a write of ${this.#spec.name} cannot be told`);
        return [write, { kind: finding === "written" ? "written" : "conflict" }];
      }),
    );
  }

  #toRow({ document, events, entries }: Write): DocumentRow {
    const fresh = toFresh(document.version, entries);
    const outbox = this.#positions.stamp(events);
    return { _id: document.id, ...toFields(document), outbox, ...(fresh === null ? {} : { fresh }) };
  }

  /** Field by field: the outbox is not the writer's alone. */
  #toOperation({ document, expected, events, entries }: Write): AnyBulkWriteOperation<DocumentRow> {
    const fresh = toFresh(document.version, entries);
    const outbox = this.#positions.stamp(events);
    const update: UpdateFilter<DocumentRow> = {
      $set: { ...toFields(document), ...(fresh === null ? {} : { fresh }) },
      ...(outbox.length === 0 ? {} : { $push: { outbox: { $each: outbox } } }),
    };
    return { updateOne: { filter: { _id: document.id, version: expected }, update } };
  }

  /** The server's message names the index. */
  #refusal({ errmsg = "" }: WriteError): WriteOutcome {
    const index = this.#spec.indexes.find(each => errmsg.includes(` index: ${indexName(each)} dup key`));
    return index === undefined ? { kind: "conflict" } : { kind: "duplicate", field: index.on[0] ?? "id" };
  }
}
