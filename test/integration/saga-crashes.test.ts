// Every step of the order saga × how it is answered × where the orchestrating process dies: the end is always the one
// that the answer allows, and no promise is broken on the way to it.
import { describe, expect, it } from "@jest/globals";
import { fail } from "../../core/errors.ts";
import type { ActionName } from "../../core/contracts/index.ts";
import type { ErrorCode } from "../../core/kernel/errors.ts";
import type { Driver } from "../../core/store/driver.ts";
import type { OrderState } from "../../services/order/order.schema.ts";
import { createChance, type Chance } from "../simulation/chance.ts";
import { Client, type Told } from "../simulation/clients.ts";
import { violations } from "../simulation/invariants.ts";
import type { Mutant } from "../simulation/mutant.ts";
import type { SimNode } from "../simulation/sim-node.ts";
import { makeWorld, open, settle, untilDone } from "../simulation/simulate.ts";
import { readAll, takeSnapshot, type Stored } from "../simulation/snapshot.ts";
import type { World } from "../simulation/world.ts";

type Answer = "done" | "refused" | "unknown and done" | "unknown and not done" | "answered twice";
type End = "CONFIRMED" | ErrorCode;

/** How the calls of one action are answered. A refusal is definite, so it stays; the others happen once. */
interface Plan {
  readonly action: ActionName;
  readonly answer: Answer;
  readonly refusal: ErrorCode;
}

type Harm = "stops" | "dies before" | "dies after" | "all die before" | "all die after" | "is lost" | "is not answered";

/** What happens at the n-th write since the order was asked for: to the process that writes, to all, or to the write. */
interface Blow {
  readonly write: number;
  readonly harm: Harm;
}

const DOWN_MS = 700;
/** Longer than a reservation lasts. */
const LONG_DOWN_MS = 10_000;
const forward: readonly Omit<Plan, "answer">[] = [
  { action: "v1.inventory.reserve", refusal: "OUT_OF_STOCK" },
  { action: "v1.billing.authorize", refusal: "PAYMENT_DECLINED" },
  { action: "v1.inventory.commit", refusal: "RESERVATION_EXPIRED" },
  { action: "v1.billing.capture", refusal: "PAYMENT_DECLINED" },
];
const silences: readonly Answer[] = ["unknown and done", "unknown and not done", "answered twice"];

const unanswered = (): Error => new Error("The answer was lost");

/** Without an order nothing is counted or disturbed. */
class Director {
  readonly #plans: readonly Plan[];
  readonly #blow: Blow | null;
  readonly #used = new Set<Plan>();
  world: World | null = null;
  writes = 0;
  blows = 0;
  rehearsing = true;

  constructor(plans: readonly Plan[], blow: Blow | null) {
    this.#plans = plans;
    this.#blow = blow;
  }

  readonly mutant: Mutant = {
    call: (call, action) => this.#answer(call, action),
    driver: (driver, _spec, node) => ({ ...driver, write: writes => this.#write(driver, node, writes) }),
  };

  async #answer(call: () => Promise<unknown>, action: string): Promise<unknown> {
    const plan = this.#plans.find(each => each.action === action);
    if (plan === undefined) return call();
    if (plan.answer === "refused") throw fail(plan.refusal, `${action} is refused`);
    if (this.#used.has(plan)) return call();
    this.#used.add(plan);
    if (plan.answer === "unknown and not done") throw unanswered();
    const answer = await call();
    if (plan.answer === "unknown and done") throw unanswered();
    if (plan.answer === "answered twice") await call();
    return answer;
  }

  async #write(driver: Driver, node: SimNode, writes: Parameters<Driver["write"]>[0]): ReturnType<Driver["write"]> {
    if (this.rehearsing) return driver.write(writes);
    this.writes += 1;
    const harm = this.#blow?.write === this.writes ? this.#blow.harm : null;
    if (harm !== null) this.blows += 1;
    if (harm === "dies before" || harm === "all die before") return this.#kill(node, harm);
    if (harm === "is lost") throw unanswered();
    const outcomes = await driver.write(writes);
    if (harm === "is not answered") throw unanswered();
    if (harm === "stops") this.#replace(node);
    return harm === "dies after" || harm === "all die after" ? this.#kill(node, harm) : outcomes;
  }

  #replace(node: SimNode): void {
    for (const [place, process] of this.world?.processes.entries() ?? [])
      if (process.node === node) this.world?.replace(place);
  }

  #kill(node: SimNode, harm: Harm): Promise<never> {
    const { world } = this;
    const all = harm.startsWith("all");
    for (const [place, process] of world?.processes.entries() ?? []) {
      if (!all && process.node !== node) continue;
      world?.crash(place);
      world?.scheduler.in(all ? LONG_DOWN_MS : DOWN_MS, () => {
        world.boot(place);
      });
    }
    return new Promise(() => undefined);
  }
}

/** What is ordered, how it is paid and what goes wrong on the way. */
interface Story {
  readonly plans?: readonly Plan[];
  readonly method?: string;
}

interface Run {
  readonly status: string;
  readonly rejection: string | null;
  readonly told: string | null;
  readonly broken: readonly string[];
  readonly writes: number;
  readonly blows: number;
}

const SEED = 1;

async function run({ plans = [], method = "pm_card_visa" }: Story, blow: Blow | null): Promise<Run> {
  const director = new Director(plans, blow);
  const chance: Chance = { ...createChance(SEED), happens: () => false };
  const world = makeWorld(createChance(SEED), director.mutant);
  director.world = world;
  const told: Told[] = [];
  await open(world, chance, told, 5, 5);
  director.rehearsing = false;
  const client = new Client("ann", { world, chance, told });
  const placed = client.insist("v1.order.place", {
    email: "ann@example.org",
    currency: "GBP",
    lines: [
      { sku: "anvil", quantity: 1 },
      { sku: "bolt", quantity: 2 },
    ],
    payment: { method },
  });
  await untilDone(world, placed);
  const { writes } = director;
  const left = await settle(world);
  const [order] = readAll<OrderState>(world, "order", "orders");
  const snapshot = takeSnapshot(world);
  return {
    status: order?.state.status ?? "missing",
    rejection: order?.state.rejection?.code ?? null,
    told: (await placed)?.resource.status ?? null,
    broken: [...(left === null ? [] : [left]), ...violations(snapshot, told), ...extra(snapshot.orders)],
    writes,
    blows: director.blows,
  };
}

const extra = (orders: readonly Stored<OrderState>[]): string[] =>
  orders.length === 1 ? [] : [`${String(orders.length)} orders`];

/** Each harm at each write of the run that meets none. */
async function everyBlow(story: Story, harms: readonly Harm[]): Promise<{ blow: Blow | null; run: Run }[]> {
  const undisturbed = await run(story, null);
  const runs: { blow: Blow | null; run: Run }[] = [{ blow: null, run: undisturbed }];
  for (let write = 1; write <= undisturbed.writes; write += 1)
    for (const harm of harms) {
      const blow = { write, harm };
      runs.push({ blow, run: await run(story, blow) });
    }
  return runs;
}

const deaths: readonly Harm[] = ["dies before", "dies after"];

async function expectEnd(story: Story, end: End, harms = deaths): Promise<void> {
  await expectOneOf(story, [end], harms);
}

/** CONFIRMED, or REJECTED with the code. */
async function expectOneOf(story: Story, ends: readonly End[], harms: readonly Harm[]): Promise<void> {
  const runs = await everyBlow(story, harms);

  for (const { blow, run } of runs) {
    const { rejection, broken, blows, told } = run;
    const expected = rejection === null ? "CONFIRMED" : "REJECTED";
    expect({ blow, blows, broken }).toEqual({ blow, blows: blow === null ? 0 : 1, broken: [] });
    expect(ends).toContain(rejection ?? run.status);
    expect([expected, "PENDING"]).toContain(told);
  }
  // Placing, turning or intending, and ending are written in every story.
  expect(runs.length).toBeGreaterThanOrEqual(1 + 3 * harms.length);
}

describe("an order whose process dies before or after each write", () => {
  for (const step of forward) {
    it(`is rejected with ${step.refusal} when ${step.action} refuses`, async () => {
      await expectEnd({ plans: [{ ...step, answer: "refused" }] }, step.refusal);
    });

    it.each(silences)(`is confirmed when ${step.action} is %s`, async answer => {
      await expectEnd({ plans: [{ ...step, answer }] }, "CONFIRMED");
    });
  }

  for (const action of ["v1.inventory.release", "v1.billing.void"] as const)
    it.each(silences)(`is rejected whole when the capture is refused and ${action} is %s`, async answer => {
      const refused: Plan = { action: "v1.billing.capture", answer: "refused", refusal: "PAYMENT_DECLINED" };
      await expectEnd({ plans: [refused, { action, answer, refusal: "CONFLICT" }] }, "PAYMENT_DECLINED");
    });

  it.each([
    ["pm_card_visa", "CONFIRMED"],
    ["pm_sim_unknown", "CONFIRMED"],
    ["pm_card_chargeDeclined", "PAYMENT_DECLINED"],
    ["pm_sim_captureFails", "PAYMENT_DECLINED"],
    ["pm_sim_down", "PAYMENT_UNAVAILABLE"],
  ] as const)("ends as the provider says to %s: %s", async (method, end) => {
    await expectEnd({ method }, end);
  });
});

describe("an order whose process is stopped in order after each write", () => {
  it.each([
    ["pm_card_visa", "CONFIRMED"],
    ["pm_sim_unknown", "CONFIRMED"],
    ["pm_sim_captureFails", "PAYMENT_DECLINED"],
    ["pm_sim_down", "PAYMENT_UNAVAILABLE"],
  ] as const)("ends as if it had not been (%s: %s)", async (method, end) => {
    await expectEnd({ method }, end, ["stops"]);
  });
});

describe("an order of which one write is lost or not answered", () => {
  it.each([
    ["pm_card_visa", "CONFIRMED"],
    ["pm_sim_captureFails", "PAYMENT_DECLINED"],
  ] as const)("ends as if nothing had happened (%s: %s)", async (method, end) => {
    await expectEnd({ method }, end, ["is lost", "is not answered"]);
  });
});

describe("an order whose every process is down for longer than its reservation", () => {
  const late = ["all die before", "all die after"] as const;

  it.each(["pm_card_visa", "pm_sim_unknown"])("is confirmed, or rejected whole (%s)", async method => {
    await expectOneOf({ method }, ["CONFIRMED", "RESERVATION_EXPIRED"], late);
  });

  it("is rejected whole when its payment would have been refused", async () => {
    const ends = ["PAYMENT_DECLINED", "RESERVATION_EXPIRED"] as const;
    await expectOneOf({ method: "pm_sim_captureFails" }, ends, late);
  });
});
