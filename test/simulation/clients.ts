// People who use the shop: they ask again with the same key until they are told, some of them twice at once.
import type { Order } from "../../core/contracts/order.ts";
import { scopes } from "../../core/contracts/action.ts";
import type { ActionName, Params, Result } from "../../core/contracts/index.ts";
import { deriveId } from "../../core/derive-id.ts";
import { codeOf } from "../../core/errors.ts";
import { catalogue, type ErrorCode } from "../../core/kernel/errors.ts";
import type { Principal } from "../../core/request.ts";
import type { Chance } from "./chance.ts";
import type { Party } from "./network.ts";
import type { World } from "./world.ts";

/** What a client was told for good: it must stay true. */
export interface Told {
  readonly action: ActionName;
  readonly key: string;
  /** The command's id, which follows from who asked and the key. */
  readonly command: string;
  readonly params: unknown;
  readonly answer: { readonly resource: unknown } | null;
  readonly refused: ErrorCode | null;
}

export const skus = ["anvil", "bolt", "crate"] as const;
/** Costs nothing: an order of it alone has no payment. */
export const freeSku = "flyer";

const staff = { kind: "user", id: "staff", scopes, customerId: null } satisfies Principal;
const methods = [
  ...Array<string>(11).fill("pm_card_visa"),
  "pm_card_chargeDeclined",
  "pm_card_chargeDeclinedInsufficientFunds",
  "pm_sim_captureFails",
  "pm_sim_captureFails",
  "pm_sim_slow",
  "pm_sim_unknown",
  "pm_sim_unknown",
  "pm_sim_down",
] as const;

/** A definite answer says what happened; after anything else the same is asked again. */
const isDefinite = (code: ErrorCode | undefined): code is ErrorCode =>
  code !== undefined && !("retryable" in catalogue[code]) && code !== "INTERNAL_ERROR";

export interface ClientOptions {
  readonly world: World;
  readonly chance: Chance;
  readonly told: Told[];
  /** The key to use for the attempt numbered from 1; a correct client takes the same each time. */
  readonly keyOf?: (key: string, attempt: number) => string;
}

export class Client implements Party {
  readonly name: string;
  readonly alive = true;
  readonly #options: ClientOptions;
  #keys = 0;

  constructor(name: string, options: ClientOptions) {
    this.name = name;
    this.#options = options;
  }

  resume(step: () => void): void {
    step();
  }

  get #chance(): Chance {
    return this.#options.chance;
  }

  pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      this.#options.world.scheduler.in(ms, resolve);
    });
  }

  /** Asks until there is a definite answer; null when it is a refusal. */
  async insist<A extends ActionName>(action: A, params: Params<A>): Promise<Result<A> | null> {
    const key = `${this.name}-${String((this.#keys += 1))}`;
    const twice = this.#chance.happens(0.12);
    const [answer] = await Promise.all([
      this.#ask(action, params, key),
      ...(twice ? [this.pause(this.#chance.between(0, 400)).then(() => this.#ask(action, params, key))] : []),
    ]);
    return answer;
  }

  async #ask<A extends ActionName>(action: A, params: Params<A>, key: string): Promise<Result<A> | null> {
    const { world, told, keyOf = same } = this.#options;
    const command = deriveId(`${staff.kind}:${staff.id}`, key);
    for (let attempt = 1; ; attempt += 1) {
      const idempotency = { key: keyOf(key, attempt), fingerprint: deriveId(action, JSON.stringify(params)) };
      const deadline = world.now + 5_000;
      const meta = { principal: staff, idempotency, ifMatch: null, wait: 2_000, deadline };
      try {
        const answer = (await world.network.call(this, action, params, meta)) as Result<A>;
        if (typeof answer === "object" && "resource" in answer)
          told.push({ action, key, command, params, answer, refused: null });
        return answer;
      } catch (error) {
        const code = codeOf(error);
        if (isDefinite(code)) {
          told.push({ action, key, command, params, answer: null, refused: code });
          return null;
        }
      }
      await this.pause(this.#chance.between(100, 2_000));
    }
  }

  /** Orders, and does with them what people do. */
  async shop(orders: number): Promise<void> {
    for (let count = 0; count < orders; count += 1) {
      await this.pause(this.#chance.between(0, 2_500));
      const order = await this.#place();
      if (order === null) continue;
      if (order.status === "PENDING" && this.#chance.happens(0.35)) await this.#cancel(order);
      if (order.status === "CONFIRMED") await this.#afterwards(order);
    }
  }

  /** Goods come in, and counts are corrected. */
  async keepStock(times: number): Promise<void> {
    for (let count = 0; count < times; count += 1) {
      await this.pause(this.#chance.between(0, 4_000));
      const sku = this.#chance.pick(skus);
      const what = this.#chance.fraction();
      if (what < 0.6) await this.insist("v1.inventory.receive", { sku, quantity: this.#chance.between(1, 4) });
      else if (what < 0.85)
        await this.insist("v1.inventory.adjust", { sku, quantity: this.#chance.pick([-2, -1, 1]), reason: "Counted" });
      else await this.#credit(sku);
    }
  }

  /** Without an order; the goods go back on the shelf. */
  async #credit(sku: string): Promise<void> {
    const line = { sku, description: sku, quantity: 1, unitPrice: { amount: 100, currency: "GBP" } };
    await this.insist("v1.billing.credit", { currency: "GBP", lines: [line], reason: "Goodwill", restock: true });
  }

  async #place(): Promise<Order | null> {
    const chance = this.#chance;
    const several = chance.happens(0.4) ? skus.filter(() => chance.happens(0.7)) : [];
    const chosen = chance.happens(0.06) ? [freeSku] : several.length > 0 ? several : [chance.pick(skus)];
    const placed = await this.insist("v1.order.place", {
      ...(chance.happens(0.3) ? { customerId: "regular" } : {}),
      email: `${this.name}-${String(this.#keys + 1)}@example.org`,
      currency: "GBP",
      lines: chosen.map(sku => ({ sku, quantity: chance.between(1, 3) })),
      payment: { method: chance.pick(methods) },
    });
    return placed?.resource ?? null;
  }

  async #cancel({ id }: Order): Promise<void> {
    await this.insist("v1.order.cancel", { id, reason: "Changed my mind" });
  }

  async #afterwards(order: Order): Promise<void> {
    const chance = this.#chance;
    await this.pause(chance.between(0, 1_500));
    const what = chance.fraction();
    if (what < 0.25) return this.#cancel(order);
    if (what < 0.45) return this.#refund(order);
    if (what < 0.85) await this.#shipAndReturn(order);
    if (chance.happens(0.3)) await this.#refund(order);
  }

  async #refund({ totals, payment }: Order): Promise<void> {
    if (payment === null) return;
    const part = this.#chance.between(1, totals.gross.amount);
    const amount = this.#chance.happens(0.5) ? {} : { amount: part };
    await this.insist("v1.billing.refund", { id: payment.id, reason: "Goodwill", ...amount });
  }

  async #shipAndReturn({ id, lines }: Order): Promise<void> {
    const chance = this.#chance;
    const [first] = lines;
    if (first === undefined) return;
    const some = [{ lineId: first.id, quantity: chance.between(1, first.quantity) }];
    if (chance.happens(0.4)) await this.insist("v1.order.ship", { id, lines: some });
    const shipped = await this.insist("v1.order.ship", { id });
    if (shipped === null || !chance.happens(0.5)) return;
    await this.pause(chance.between(0, 2_000));
    await this.insist("v1.order.return", { id, lines: some, reason: "Broken", restock: chance.happens(0.7) });
  }
}

const same = (key: string): string => key;
