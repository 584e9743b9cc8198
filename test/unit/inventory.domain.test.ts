// What stock and reservations may do, whatever comes in whatever order.
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { events as eventSchemas } from "../../core/contracts/index.ts";
import { canMove } from "../../core/kernel/decider.ts";
import { reservationIdOf } from "../../core/kernel/ids.ts";
import { checkOf } from "../../core/middlewares/validator.ts";
import type { Entry } from "../../core/store/port.ts";
import {
  availableOf,
  emptyStock,
  type Decided,
  type Reservation,
  type ReservationState,
  type Seen,
  type Stock,
  type StockEntry,
  type StockEvent,
} from "../../services/inventory/inventory.domain.ts";
import {
  commandMovementId,
  decideAdjust,
  decideReceive,
  decideRestock,
  returnMovementId,
  saleId,
} from "../../services/inventory/movement.domain.ts";
import {
  decideCommit,
  decideDue,
  decideRelease,
  decideReserve,
  decideSell,
  reservationTransitions,
} from "../../services/inventory/reservation.domain.ts";

const SKU = "BANK CHARGES";
const policy = { reservationTtl: 1_000, retention: 3_000, lowStock: 5 };

type Command =
  | { readonly type: "receive" | "adjust"; readonly id: string; readonly quantity: number }
  | { readonly type: "reserve"; readonly orderId: string; readonly quantity: number }
  | { readonly type: "commit" | "release"; readonly orderId: string }
  | { readonly type: "sell"; readonly orderId: string; readonly id: string; readonly quantity: number }
  | { readonly type: "restock"; readonly id: string; readonly quantity: number }
  | { readonly type: "reap"; readonly projected: boolean };

interface World {
  readonly stock: Stock;
  readonly seq: number;
  readonly entries: ReadonlyMap<string, Entry<StockEntry>>;
  readonly now: number;
}
const newWorld: World = { stock: emptyStock(SKU), seq: 0, entries: new Map(), now: 0 };

function see(world: World, orderId: string, movementId: string): Seen {
  const reservation = world.entries.get(reservationIdOf(orderId))?.value;
  const made = world.entries.get(movementId)?.value;
  return {
    ...world,
    policy,
    reservation: reservation === undefined ? null : (reservation as Reservation),
    applied: made?.state === "APPLIED" ? made.movement : null,
  };
}

function decide(world: World, command: Command): Decided<unknown> {
  switch (command.type) {
    case "receive":
    case "adjust": {
      const movementId = commandMovementId(command.id);
      const seen = see(world, "", movementId);
      const { quantity } = command;
      return command.type === "receive"
        ? decideReceive(seen, { movementId, quantity, reason: null })
        : decideAdjust(seen, { movementId, quantity, reason: "count" });
    }
    case "reserve":
      return decideReserve(see(world, command.orderId, ""), { orderId: command.orderId, quantity: command.quantity });
    case "commit":
      return decideCommit(see(world, command.orderId, ""), command);
    case "release":
      return decideRelease(see(world, command.orderId, ""), command);
    case "sell": {
      const { orderId, id: shipmentId, quantity } = command;
      return decideSell(see(world, orderId, saleId(shipmentId, SKU)), { orderId, shipmentId, quantity });
    }
    case "restock": {
      const { id: returnId, quantity } = command;
      return decideRestock(see(world, "", returnMovementId(returnId, SKU)), { returnId, orderId: null, quantity });
    }
    case "reap":
      return decideDue(see(world, "", ""), world.entries, command.projected ? world.seq : 0);
  }
}

function follow(world: World, decided: Decided<unknown>): World {
  if (!decided.ok) return world;
  const entries = new Map(world.entries);
  for (const [key, entry] of decided.entries) {
    if (entry === null) entries.delete(key);
    else entries.set(key, entry);
  }
  return { ...world, stock: decided.stock, seq: world.seq + decided.events.length, entries };
}

const run = (world: World, ...commands: readonly Command[]): World =>
  commands.reduce((before, command) => follow(before, decide(before, command)), world);

function okay(decided: Decided<unknown>): Extract<Decided<unknown>, { ok: true }> {
  if (!decided.ok) throw new Error(`Refused: ${decided.refusal.detail}`);
  return decided;
}

const reservations = ({ entries }: World): Reservation[] =>
  [...entries.values()].flatMap(({ value }) => (value.state === "APPLIED" ? [] : [value]));
const held = (world: World, state: ReservationState): number =>
  reservations(world).reduce((sum, { state: is, quantity }) => sum + (is === state ? quantity : 0), 0);
const stateOf = ({ entries }: World, orderId: string): ReservationState | null =>
  (entries.get(reservationIdOf(orderId))?.value as Reservation | undefined)?.state ?? null;

const orderIds = ["order-1", "order-2", "order-3"];
const orderId = fc.constantFrom(...orderIds);
const id = fc.constantFrom("a", "b", "c", "d");
const quantity = fc.integer({ min: 1, max: 12 });
const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  fc.record({ type: fc.constant("receive" as const), id, quantity }),
  fc.record({ type: fc.constant("adjust" as const), id, quantity: fc.integer({ min: -12, max: 12 }).filter(Boolean) }),
  { weight: 3, arbitrary: fc.record({ type: fc.constant("reserve" as const), orderId, quantity }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("commit" as const), orderId }) },
  fc.record({ type: fc.constant("release" as const), orderId }),
  { weight: 2, arbitrary: fc.record({ type: fc.constant("sell" as const), orderId, id, quantity }) },
  fc.record({ type: fc.constant("restock" as const), id, quantity }),
  fc.record({ type: fc.constant("reap" as const), projected: fc.boolean() }),
);
/** Commands, each after a pause. */
const anyHistory = fc.array(fc.tuple(fc.integer({ min: 0, max: 1_500 }), anyCommand), { maxLength: 60, size: "max" });

function play(history: readonly [number, Command][], see: (before: World, command: Command, after: World) => void) {
  let world = run(newWorld, { type: "receive", id: "opening", quantity: 20 });
  for (const [pause, command] of history) {
    const before = { ...world, now: world.now + pause };
    world = follow(before, decide(before, command));
    see(before, command, world);
  }
  return world;
}

describe("a stock item, after any history", () => {
  it("has as much on hand as is available, reserved and allocated, and these are what its orders hold", () => {
    fc.assert(
      fc.property(anyHistory, history => {
        play(history, (_before, _command, after) => {
          const { onHand, reserved, allocated } = after.stock;
          expect(reserved).toBe(held(after, "RESERVED"));
          expect(allocated).toBe(held(after, "COMMITTED"));
          expect(availableOf(after.stock)).toBeGreaterThanOrEqual(0);
          expect(onHand).toBe(availableOf(after.stock) + reserved + allocated);
        });
      }),
    );
  });

  it("changes nothing when the last command comes again", () => {
    fc.assert(
      fc.property(anyHistory, anyCommand, (history, command) => {
        const before = play(history, () => undefined);
        const first = decide(before, command);
        const after = follow(before, first);
        const again = decide(after, command);
        expect(again.ok).toBe(first.ok);
        expect(follow(after, again)).toEqual(after);
        if (again.ok) expect([again.events, [...again.entries]]).toEqual([[], []]);
      }),
    );
  });

  it("moves reservations only as the table allows, and takes away only what has been over for long", () => {
    fc.assert(
      fc.property(anyHistory, history => {
        play(history, (before, command, after) => {
          for (const order of orderIds) {
            const [from, to] = [stateOf(before, order), stateOf(after, order)];
            if (from === null || from === to) continue;
            if (to === null) expect([command.type, reservationTransitions[from]]).toEqual(["reap", []]);
            else expect([from, to, canMove(reservationTransitions, from, to)]).toEqual([from, to, true]);
          }
        });
      }),
    );
  });

  it("gives back everything not shipped once every order is released", () => {
    fc.assert(
      fc.property(anyHistory, history => {
        const before = play(history, () => undefined);
        const after = run(before, ...orderIds.map(order => ({ type: "release" as const, orderId: order })));
        expect(after.stock).toEqual({ ...before.stock, reserved: 0, allocated: 0 });
      }),
    );
  });

  it("says what happened as the contract describes it, the counts being those of the item then", () => {
    const checks = new Map(Object.entries(eventSchemas).map(([type, schema]) => [type, checkOf(schema)]));
    fc.assert(
      fc.property(anyHistory, history => {
        play(history, (before, command, after) => {
          const decided = decide(before, command);
          const events: readonly StockEvent[] = decided.ok ? decided.events : [];
          for (const { type, data } of events) expect([type, checks.get(type)?.(data, true)]).toEqual([type, true]);
          const last = events.at(-1);
          expect(last?.type).not.toBe("stock.low.v1");
          if (last !== undefined) expect(last.data).toMatchObject(after.stock);
        });
      }),
    );
  });
});

const receive = (units: number): Command => ({ type: "receive", id: "first", quantity: units });
const reserve: Command = { type: "reserve", orderId: "o", quantity: 4 };
const commit: Command = { type: "commit", orderId: "o" };
const release: Command = { type: "release", orderId: "o" };
const sell: Command = { type: "sell", orderId: "o", id: "shipment", quantity: 4 };
const reap: Command = { type: "reap", projected: true };
const later = (world: World, ms: number): World => ({ ...world, now: world.now + ms });

const stocked = run(newWorld, receive(10));
const worlds = {
  none: stocked,
  RESERVED: run(stocked, reserve),
  COMMITTED: run(stocked, reserve, commit),
  SHIPPED: run(stocked, reserve, commit, sell),
  RELEASED: run(stocked, reserve, release),
  EXPIRED: run(later(run(stocked, reserve), 1_000), reap),
};

describe("a reservation", () => {
  it.each([
    ["none", reserve, "RESERVED"],
    ["none", commit, "RESERVATION_EXPIRED"],
    ["none", release, "RELEASED"],
    ["none", sell, "WRONG_STATE"],
    ["RESERVED", reserve, "RESERVED"],
    ["RESERVED", commit, "COMMITTED"],
    ["RESERVED", release, "RELEASED"],
    ["RESERVED", sell, "WRONG_STATE"],
    ["COMMITTED", reserve, "COMMITTED"],
    ["COMMITTED", commit, "COMMITTED"],
    ["COMMITTED", release, "RELEASED"],
    ["COMMITTED", sell, "SHIPPED"],
    ["SHIPPED", reserve, "SHIPPED"],
    ["SHIPPED", commit, "SHIPPED"],
    ["SHIPPED", release, "SHIPPED"],
    ["SHIPPED", { ...sell, id: "another shipment" }, "WRONG_STATE"],
    ["RELEASED", reserve, "RESERVATION_EXPIRED"],
    ["RELEASED", commit, "RESERVATION_EXPIRED"],
    ["RELEASED", release, "RELEASED"],
    ["RELEASED", sell, "WRONG_STATE"],
    ["EXPIRED", reserve, "RESERVATION_EXPIRED"],
    ["EXPIRED", commit, "RESERVATION_EXPIRED"],
    ["EXPIRED", release, "EXPIRED"],
    ["EXPIRED", sell, "WRONG_STATE"],
  ] as const)("%s meets %j: %s", (state, command, expected) => {
    const world = worlds[state];
    const decided = decide(world, command);
    expect(decided.ok ? stateOf(follow(world, decided), "o") : decided.refusal.code).toBe(expected);
  });

  it.each(["RESERVED", "COMMITTED", "SHIPPED"] as const)("answers a repeated reserve as before while %s", state => {
    const first = okay(decide(stocked, reserve)).result;
    expect(okay(decide(later(worlds[state], 500), reserve)).result).toEqual(first);
  });

  it("is refused beyond what is available, and says how much that is", () => {
    const decided = decide(run(stocked, reserve), { type: "reserve", orderId: "other", quantity: 7 });
    expect(decided).toMatchObject({ refusal: { code: "OUT_OF_STOCK", data: { sku: SKU, available: 6 } } });
  });

  it("is ended by the reaper only: its commit does not look at the clock", () => {
    expect(stateOf(run(later(worlds.RESERVED, 60_000), commit), "o")).toBe("COMMITTED");
  });

  it("does not expire before its time, nor once it is committed", () => {
    expect(stateOf(run(later(worlds.RESERVED, 999), reap), "o")).toBe("RESERVED");
    expect(stateOf(run(later(worlds.COMMITTED, 60_000), reap), "o")).toBe("COMMITTED");
  });

  it("released before it was made meets the late reserve, until the retention is over", () => {
    const released = run(stocked, release);
    expect(decide(later(released, 2_999), reserve)).toMatchObject({ refusal: { code: "RESERVATION_EXPIRED" } });
    expect(stateOf(run(later(released, 2_999), reap), "o")).toBe("RELEASED");
    expect(stateOf(run(later(released, 3_000), reap), "o")).toBeNull();
  });

  it("is shipped in parts, and is over with the last", () => {
    const part = (shipment: string, units: number): Command => ({ ...sell, id: shipment, quantity: units });
    const partly = run(worlds.COMMITTED, part("one", 1), part("two", 2));
    expect([stateOf(partly, "o"), partly.stock]).toMatchObject(["COMMITTED", { onHand: 7, allocated: 1 }]);
    expect(decide(partly, part("three", 2))).toMatchObject({ refusal: { code: "WRONG_STATE" } });
    expect(run(partly, part("one", 1))).toEqual(partly);
    expect(stateOf(run(partly, part("three", 1)), "o")).toBe("SHIPPED");
  });

  it("partly shipped gives back the rest when it is released", () => {
    const partly = run(worlds.COMMITTED, { ...sell, quantity: 3 }, release);
    expect(partly.stock).toEqual({ sku: SKU, onHand: 7, reserved: 0, allocated: 0 });
  });
});

describe("a keyed movement", () => {
  it("answers its repeat with the movement that it made", () => {
    const { result } = okay(decide(newWorld, receive(10)));
    const again = okay(decide(later(stocked, 100), receive(10)));
    expect(again.result).toEqual({ ...(result as object), replayed: true });
    expect(result).toMatchObject({
      replayed: false,
      resource: { id: "mov:first", seq: 1, onHand: 10, type: "RECEIPT" },
    });
  });

  it("stays with the item until the projection has it, however long that takes", () => {
    const late = run(later(stocked, 3_000), { type: "reap", projected: false });
    expect(late.entries.has("mov:first")).toBe(true);
    expect(run(later(late, 2_999), reap).entries.has("mov:first")).toBe(true);
    expect(run(later(late, 3_000), reap).entries.has("mov:first")).toBe(false);
  });

  it("cannot take away what is reserved or allocated", () => {
    const decided = decide(worlds.COMMITTED, { type: "adjust", id: "second", quantity: -7 });
    expect(decided).toMatchObject({ refusal: { code: "INSUFFICIENT_STOCK", data: { sku: SKU, available: 6 } } });
  });
});

describe("the warning of low stock", () => {
  const typesOf = (world: World, command: Command) => okay(decide(world, command)).events.map(({ type }) => type);

  it("comes when available falls to the threshold, before the movement, and only then", () => {
    const take = (order: string, units: number): Command => ({ type: "reserve", orderId: order, quantity: units });
    expect(typesOf(stocked, take("p", 4))).toEqual(["stock.reserved.v1"]);
    const fallen = run(stocked, take("p", 4));
    expect(typesOf(fallen, take("q", 1))).toEqual(["stock.low.v1", "stock.reserved.v1"]);
    expect(typesOf(run(fallen, take("q", 1)), take("r", 1))).toEqual(["stock.reserved.v1"]);
  });

  it("counts towards the number of the movement that follows it", () => {
    const { result, events } = okay(decide(stocked, { type: "adjust", id: "second", quantity: -5 }));
    expect(events).toHaveLength(2);
    expect(result).toMatchObject({ resource: { seq: 3, type: "ADJUSTMENT", quantity: -5, onHand: 5 } });
  });
});
