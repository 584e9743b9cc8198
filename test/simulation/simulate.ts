// One run: a seed in, what was broken out.
import { createHash } from "node:crypto";
import { loadConfig, type Config } from "../../core/config.ts";
import { createService as billing } from "../../services/billing/billing.service.ts";
import { createService as customer } from "../../services/customer/customer.service.ts";
import { createService as inventory } from "../../services/inventory/inventory.service.ts";
import { createService as notification } from "../../services/notification/notification.service.ts";
import { createService as order } from "../../services/order/order.service.ts";
import { createService as product } from "../../services/product/product.service.ts";
import { createChance, type Chance } from "./chance.ts";
import { Client, freeSku, skus, type Told } from "./clients.ts";
import { noFaults, randomFaults } from "./faults.ts";
import { violations } from "./invariants.ts";
import type { Mutant } from "./mutant.ts";
import { whatGoesOn } from "./quiet.ts";
import { takeSnapshot } from "./snapshot.ts";
import { World } from "./world.ts";

export interface Outcome {
  readonly seed: number;
  readonly violations: readonly string[];
  readonly trace: readonly string[];
  /** Of the trace: equal runs have equal hashes. */
  readonly hash: string;
  readonly events: number;
  readonly orders: number;
}

const config: Config = {
  ...loadConfig([], {}),
  sagaLeaseMs: 2_000,
  reservationTtlMs: 6_000,
  retentionMs: 3_600_000,
  lowStock: 2,
};
/** Longer than any saga and repeat, and short enough that much is pruned before the run ends. */
const SHORT_RETENTION_MS = 30_000;
export const shop = [product, customer, inventory, billing, order, notification];

const PROCESSES = 2;
const TROUBLE_MS = 20_000;
/** After it a run that is still not quiet has got stuck. */
const PATIENCE_MS = 400_000;
const MOST_EVENTS = 400_000;

export function makeWorld(chance: Chance, mutant: Mutant): World {
  const isShort = chance.fork("retention").happens(0.25);
  const own = isShort ? { ...config, retentionMs: SHORT_RETENTION_MS } : config;
  return new World({ chance, config: own, services: shop, mutant, size: PROCESSES });
}

/** Products, customers and the first goods, before anything goes wrong. */
export async function open(world: World, chance: Chance, told: Told[], least = 4, most = 12): Promise<void> {
  const clerk = new Client("opening", { world, chance: { ...chance, happens: () => false }, told });
  const price = (amount: number) => ({ amount, currency: "GBP" });
  const opening = async (): Promise<void> => {
    await clerk.insist("v1.customer.create", { id: "regular", name: "A regular", email: "regular@example.org" });
    await clerk.insist("v1.product.create", { sku: freeSku, name: "Flyer", price: price(0) });
    await clerk.insist("v1.inventory.receive", { sku: freeSku, quantity: 50 });
    for (const [index, sku] of skus.entries()) {
      await clerk.insist("v1.product.create", { sku, name: sku, price: price(255 + 744 * index), taxRate: 1_900 });
      await clerk.insist("v1.inventory.receive", { sku, quantity: chance.between(least, most) });
    }
  };
  await untilDone(world, opening());
}

export async function untilDone(world: World, work: Promise<unknown>): Promise<void> {
  let done = false;
  let failure: unknown;
  work.then(
    () => {
      done = true;
    },
    (error: unknown) => {
      [done, failure] = [true, error];
    },
  );
  const end = world.now + PATIENCE_MS;
  await world.scheduler.run(() => done || world.now > end, MOST_EVENTS);
  if (failure !== undefined) throw failure as Error;
}

function makeTrouble(world: World, chance: Chance): void {
  world.faults = randomFaults(chance.fork("faults"), () => world.now);
  killAndFreeze(world, chance.fork("trouble"), world.now + TROUBLE_MS);
  world.scheduler.in(TROUBLE_MS, () => {
    world.faults = noFaults;
    world.note("peace");
  });
}

/** Processes die and are started again, freeze and thaw. */
function killAndFreeze(world: World, chance: Chance, until: number): void {
  const crashes = chance.happens(0.75);
  const freezes = chance.happens(0.5);
  const next = (): void => {
    world.scheduler.in(chance.between(300, 5_000), () => {
      if (world.now > until) return;
      const place = chance.between(0, PROCESSES - 1);
      const kind = chance.fraction();
      if (kind < 0.55 && crashes) crashAndRestart(world, place, chance.between(50, 3_500));
      else if (kind < 0.8 && freezes) world.freeze(place, chance.between(200, 7_000));
      else if (kind >= 0.8) world.replace(place);
      if (chance.happens(0.7)) world.rebalance();
      next();
    });
  };
  next();
}

function crashAndRestart(world: World, place: number, downFor: number): void {
  if (world.processes[place]?.alive !== true) return;
  world.crash(place);
  world.scheduler.in(downFor, () => {
    world.boot(place);
    if (world.consumer?.alive !== true) world.rebalance();
  });
}

/** Nothing fails any more: what is left over has to come to its end by itself. */
export async function settle(world: World): Promise<string | null> {
  world.faults = noFaults;
  const operator = new Client("operator", { world, chance: createChance(1), told: [] });
  const end = world.now + PATIENCE_MS;
  let left: string | null = "not looked at";
  while (left !== null && world.now < end && world.scheduler.executed < MOST_EVENTS) {
    await untilDone(world, operator.pause(1_000));
    if (world.consumer?.alive !== true) world.rebalance();
    for (const subscriber of new Set([...world.disk.letters.values()].map(letter => letter.subscriber))) {
      const consumer = world.consumer;
      if (consumer !== null) await untilDone(world, consumer.handle("v1.bridge.replay", { subscriber }, {}));
    }
    left = whatGoesOn(world);
  }
  return left;
}

export interface SimulateOptions {
  readonly mutant?: Mutant;
  /** Nothing goes wrong. */
  readonly calm?: boolean;
}

export async function simulate(seed: number, { mutant = {}, calm = false }: SimulateOptions = {}): Promise<Outcome> {
  const chance = createChance(seed);
  const world = makeWorld(chance, mutant);
  const told: Told[] = [];
  await open(world, chance.fork("opening"), told);
  if (!calm) makeTrouble(world, chance);
  const keyOf = mutant.keyOf === undefined ? {} : { keyOf: mutant.keyOf };
  const client = (name: string) => new Client(name, { world, chance: chance.fork(name), told, ...keyOf });
  const people = ["ann", "ben", "cid"].map(name => client(name).shop(chance.between(2, 5)));
  await untilDone(world, Promise.all([...people, client("dot").keepStock(4)]));
  const left = await settle(world);
  return report(seed, world, told, left);
}

function report(seed: number, world: World, told: readonly Told[], left: string | null): Outcome {
  const snapshot = takeSnapshot(world);
  const stuck = left === null ? [] : [`not quiet after ${String(PATIENCE_MS / 1000)} s: ${left}`];
  const broken = [...stuck, ...violations(snapshot, told)];
  const hash = createHash("sha256").update(world.trace.join("\n")).digest("hex").slice(0, 16);
  const { trace, scheduler } = world;
  return { seed, violations: broken, trace, hash, events: scheduler.executed, orders: snapshot.orders.length };
}
