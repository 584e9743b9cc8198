// What a backup of a cluster has gathered so far: on disk, so that memory stays small whatever the shop has.
import { rmSync } from "node:fs";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Incoming } from "../kafka.ts";
import { entriesBeside, type Place, type RawDocument } from "../store/mongo-dump.ts";

const schema = `
  pragma journal_mode = off; pragma synchronous = off;
  create table item (place text, id text, owner text, version integer, body text, primary key (place, id)) without rowid;
  create index item_owner on item (place, owner);
  create table message (topic text, part integer, position integer, body text, primary key (topic, part, position)) without rowid;`;

const nameOf = ({ service, collection }: Place): string => `${service}/${collection}`;

export class WorkingSet {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;
  readonly #version: StatementSync;
  readonly #count: StatementSync;
  readonly #dropOwned: StatementSync;
  readonly #putMessage: StatementSync;

  constructor(path: string) {
    rmSync(path, { force: true });
    this.#path = path;
    this.#database = new DatabaseSync(path);
    this.#database.exec(schema);
    const prepare = (sql: string): StatementSync => this.#database.prepare(sql);
    this.#put = prepare("insert or replace into item values (?, ?, ?, ?, ?)");
    this.#version = prepare("select version from item where place = ? and id = ?");
    this.#count = prepare("select count(*) as n from item where place = ?");
    this.#dropOwned = prepare("delete from item where place = ? and owner = ?");
    this.#putMessage = prepare("insert or replace into message values (?, ?, ?, ?)");
  }

  put(place: Place, { id, owner, version, body }: RawDocument): void {
    this.#put.run(nameOf(place), id, owner, version, body);
  }

  /** The documents with all their entries as they are now. */
  replace(place: Place, { documents, entries }: Record<"documents" | "entries", readonly RawDocument[]>): void {
    for (const document of documents) {
      this.#dropOwned.run(nameOf(entriesBeside(place)), document.id);
      this.put(place, document);
    }
    for (const entry of entries) this.put(entriesBeside(place), entry);
  }

  forget(place: Place): void {
    this.#database.prepare("delete from item where place = ?").run(nameOf(place));
  }

  has(place: Place, { id, version }: Pick<RawDocument, "id" | "version">): boolean {
    return this.#version.get(nameOf(place), id)?.["version"] === version;
  }

  count(place: Place): number {
    return Number(this.#count.get(nameOf(place))?.["n"]);
  }

  putMessages(topic: string, partition: number, messages: readonly Incoming[]): void {
    for (const { offset, ...message } of messages)
      this.#putMessage.run(topic, partition, offset, JSON.stringify(message));
  }

  /** How many of the partition's messages lie before the offset. */
  messagesBefore(topic: string, partition: number, offset: number): number {
    const sql = "select count(*) as n from message where topic = ? and part = ? and position < ?";
    return Number(this.#database.prepare(sql).get(topic, partition, offset)?.["n"]);
  }

  *items(): Generator<{ readonly place: string; readonly body: string }> {
    for (const row of this.#database.prepare("select place, body from item order by place, id").iterate())
      yield { place: String(row["place"]), body: String(row["body"]) };
  }

  *messages(): Generator<{ readonly topic: string; readonly partition: number; readonly body: string }> {
    const sql = "select topic, part, body from message order by topic, part, position";
    for (const row of this.#database.prepare(sql).iterate())
      yield { topic: String(row["topic"]), partition: Number(row["part"]), body: String(row["body"]) };
  }

  get isEmpty(): boolean {
    return this.#database.prepare("select 1 from item limit 1").get() === undefined;
  }

  remove(): void {
    this.#database.close();
    rmSync(this.#path, { force: true });
  }
}
