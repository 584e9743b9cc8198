// What the tool asks of the shop's REST API.
import type { DeadLetter } from "../../core/contracts/bridge.ts";
import type { Page } from "../../core/contracts/common.ts";
import type { Result } from "../../core/contracts/index.ts";
import { reasonOf, ShopError, type Shop } from "../import/client.ts";

export type Lag = Result<"v1.bridge.lag">["items"][number];
export type Topic = Result<"v1.bridge.topics">["items"][number];

export interface Replayed {
  readonly replayed: number;
  readonly left: number;
}

export interface ReplayOptions {
  readonly subscriber: string;
  readonly from?: string;
  readonly to?: string;
  /** Comma separated. */
  readonly types?: string;
}

async function ask<T>(shop: Shop, path: string, body?: object): Promise<T> {
  const answer = await shop.ask<T>(path, body);
  if (answer.ok) return answer.body;
  throw new ShopError(reasonOf(answer));
}

export const lag = async (shop: Shop): Promise<readonly Lag[]> => (await ask<Page<Lag>>(shop, "/v1/events/lag")).items;

export const topics = async (shop: Shop): Promise<readonly Topic[]> =>
  (await ask<Page<Topic>>(shop, "/v1/events/topics")).items;

export async function deadLetters(shop: Shop, subscriber: string | undefined): Promise<readonly DeadLetter[]> {
  const found: DeadLetter[] = [];
  const query = new URLSearchParams({ limit: "100", ...(subscriber === undefined ? {} : { subscriber }) });
  for (;;) {
    const { items, nextCursor } = await ask<Page<DeadLetter>>(shop, `/v1/events/dead-letters?${query.toString()}`);
    found.push(...items);
    if (nextCursor === null) return found;
    query.set("cursor", nextCursor);
  }
}

/** A range is answered a few seconds' work at a time. */
export async function replay(shop: Shop, { subscriber, from, to, types }: ReplayOptions): Promise<Replayed> {
  if (from === undefined && (to !== undefined || types !== undefined))
    throw new ShopError("--to and --types are of a range: give --from too");
  const range = from === undefined ? {} : { from, to: to ?? new Date().toISOString() };
  const only = types === undefined ? {} : { types: types.split(",").map(type => type.trim()) };
  let [replayed, left] = [0, 0];
  for (let cursor: string | null = ""; cursor !== null;) {
    const body = { subscriber, ...range, ...only, ...(cursor === "" ? {} : { cursor }) };
    const part: Result<"v1.bridge.replay"> = await ask(shop, "/v1/events/replays", body);
    replayed += part.replayed;
    left += part.left;
    cursor = part.nextCursor;
  }
  return { replayed, left };
}
