// Inventory on a database: what it promises when many come at once, when things come again, and when a process dies.
import { describe, expect, it } from "@jest/globals";
import { codeOf } from "../../core/errors.ts";
import { eventOf } from "../support/events.ts";
import { createInventoryWorld, policy } from "../support/inventory.ts";
import { withKey } from "../support/requests.ts";

type World = ReturnType<typeof createInventoryWorld>;
type Process = ReturnType<World["start"]>;

const receive = (process: Process, quantity: number, key = `receipt of ${String(quantity)}`, sku = "TEA") =>
  process.handle("v1.inventory.receive", { sku, quantity }, withKey(key, { sku, quantity }));
const adjust = (process: Process, quantity: number, key: string) =>
  process.handle("v1.inventory.adjust", { sku: "TEA", quantity, reason: "count" }, withKey(key, quantity));
const reserve = (process: Process, orderId: string, quantity: number, sku = "TEA") =>
  process.handle("v1.inventory.reserve", { orderId, sku, quantity });
const commit = (process: Process, orderId: string, sku = "TEA") =>
  process.handle("v1.inventory.commit", { orderId, sku });
const release = (process: Process, orderId: string) => process.handle("v1.inventory.release", { orderId, sku: "TEA" });
const stockOf = (process: Process, sku = "TEA") => process.handle("v1.inventory.get", { sku });
const movementsOf = (process: Process, page: { limit?: number; cursor?: string } = {}, wait = 0) =>
  process.handle("v1.inventory.movements", { sku: "TEA", ...page }, { wait });
const refused = (promise: Promise<unknown>) =>
  promise.then(
    () => "accepted",
    (error: unknown) => codeOf(error) ?? String(error),
  );

const whose = { orderId: "o", number: "1", customerId: null, email: null, currency: "GBP" };
const lines = (...of: [sku: string, quantity: number][]) =>
  of.map(([sku, quantity], index) => ({ lineId: String(index + 1), sku, quantity }));
const shipped = (seq: number, id: string, ...of: [sku: string, quantity: number][]) =>
  eventOf("order.shipped.v1", "o", seq, {
    ...whose,
    fulfillmentStatus: "SHIPPED",
    shipment: { id, lines: lines(...of), trackingNumber: null, shippedAt: "2026-01-01T00:00:00.000Z" },
  });
const returned = (seq: number, restock: boolean, ...of: [sku: string, quantity: number][]) =>
  eventOf("order.returned.v1", "o", seq, {
    ...whose,
    return: {
      id: "return-1",
      lines: lines(...of),
      reason: "broken",
      restock,
      number: null,
      returnedAt: null,
      recordedAt: "2026-01-01T00:00:00.000Z",
    },
    credit: [],
  });
const none = { amount: 0, currency: "GBP" };
const credited = (orderId: string | null, restock: boolean, sku: string | null, quantity: number) =>
  eventOf("creditnote.issued.v1", "cn", 1, {
    id: "cn",
    number: "CN-1",
    orderId,
    customerId: null,
    email: null,
    lines: [{ sku, description: "x", quantity, unitPrice: none, taxRate: 0, net: none, tax: none, gross: none }],
    totals: { net: none, tax: none, gross: none },
    issuedAt: "2026-01-01T00:00:00.000Z",
    references: null,
    reason: "x",
    restock,
  });

/** An order that has `quantity` of each SKU committed. */
async function committed(world: World, quantity: number, skus = ["TEA"]) {
  for (const sku of skus) {
    await receive(world, 10, `stock of ${sku}`, sku);
    await reserve(world, "o", quantity, sku);
    await commit(world, "o", sku);
  }
}

describe("reserving", () => {
  it("sells exactly what is there to 500 buyers of 200 units in two processes", async () => {
    const world = createInventoryWorld();
    await receive(world, 200);
    const processes = [world, world.start()];
    const buy = async (buyer: number) => {
      const process = processes[buyer % 2] ?? world;
      const orderId = `order-${String(buyer)}`;
      const answer = await refused(reserve(process, orderId, 1));
      if (answer === "accepted") await commit(process, orderId);
      return answer;
    };
    const answers = await world.clock.until(Promise.all(Array.from({ length: 500 }, (_, buyer) => buy(buyer))));
    const counts = Object.entries(Object.groupBy(answers, answer => answer)).map(([code, all]) => [code, all?.length]);
    expect(Object.fromEntries(counts)).toEqual({ accepted: 200, OUT_OF_STOCK: 300 });
    expect(await stockOf(world)).toMatchObject({ onHand: 200, reserved: 0, allocated: 200, available: 0 });
  });

  it("answers a repeat with the first expiry", async () => {
    const world = createInventoryWorld();
    await receive(world, 10);
    const first = await reserve(world, "o", 4);
    expect(first).toEqual({ expiresAt: new Date(world.clock.now() + policy.reservationTtl).toISOString() });
    await world.clock.advance(1_000);
    expect(await reserve(world, "o", 4)).toEqual(first);
    expect(await stockOf(world)).toMatchObject({ reserved: 4 });
  });

  it("is refused when its release came first", async () => {
    const world = createInventoryWorld();
    await receive(world, 10);
    await release(world, "o");
    expect(await refused(reserve(world, "o", 4))).toBe("RESERVATION_EXPIRED");
    expect(await stockOf(world)).toMatchObject({ reserved: 0, available: 10 });
  });

  it("of a SKU that has never had stock finds none", async () => {
    expect(await refused(reserve(createInventoryWorld(), "o", 1))).toBe("OUT_OF_STOCK");
  });

  it("waits while too many events are unpublished; releasing does not", async () => {
    const world = createInventoryWorld({ outboxBound: 2 });
    await receive(world, 10);
    await reserve(world, "o", 4);
    expect(await refused(reserve(world, "p", 1))).toBe("EVENT_BACKLOG");
    expect(await refused(receive(world, 1))).toBe("EVENT_BACKLOG");
    expect(await refused(world.handle("v1.inventory.admit", {}))).toBe("EVENT_BACKLOG");
    await release(world, "o");
    expect(await stockOf(world)).toMatchObject({ reserved: 0 });
  });
});

describe("the reaper", () => {
  it("gives back what was reserved for too long, and the late commit is refused", async () => {
    const world = createInventoryWorld();
    await receive(world, 10);
    await reserve(world, "o", 4);
    await world.clock.advance(policy.reservationTtl - 1);
    expect(await world.reap()).toBe(0);
    await world.clock.advance(1);
    expect(await world.reap()).toBe(1);
    expect(await stockOf(world)).toMatchObject({ reserved: 0, available: 10 });
    expect(await refused(commit(world, "o"))).toBe("RESERVATION_EXPIRED");
    expect(await world.reap()).toBe(0);
  });

  it("leaves committed stock alone, however long it takes to ship", async () => {
    const world = createInventoryWorld();
    await committed(world, 4);
    await world.clock.advance(10 * policy.retention);
    await world.reap();
    expect(await stockOf(world)).toMatchObject({ allocated: 4 });
  });

  it("goes on with the other items when one fails", async () => {
    const world = createInventoryWorld({ catalogue: ["BROKEN", "TEA"] });
    for (const sku of ["BROKEN", "TEA"]) {
      await receive(world, 10, sku, sku);
      await reserve(world, "o", 4, sku);
    }
    await world.clock.advance(policy.reservationTtl);
    let reads = 0;
    const process = world.start({
      before: (operation, collection) => {
        if (operation === "read" && collection === "movement_progress" && (reads += 1) === 1)
          throw new Error("The disk is slow today");
      },
    });
    await expect(process.reap()).rejects.toThrow("The disk is slow today");
    expect(await stockOf(world, "BROKEN")).toMatchObject({ reserved: 4 });
    expect(await stockOf(world, "TEA")).toMatchObject({ reserved: 0 });
  });
});

describe("receipts and adjustments", () => {
  it("change the stock once per key and answer the repeat with the same movement", async () => {
    const world = createInventoryWorld();
    const first = await receive(world, 10, "k");
    expect(first).toMatchObject({ replayed: false, resource: { type: "RECEIPT", quantity: 10, onHand: 10, seq: 1 } });
    expect(await receive(world, 10, "k")).toEqual({ ...first, replayed: true });
    expect(await stockOf(world)).toMatchObject({ onHand: 10 });
  });

  it("remember their key for ever", async () => {
    const world = createInventoryWorld();
    const first = await receive(world, 10, "k");
    await world.project();
    await world.clock.advance(policy.retention);
    expect(await world.reap()).toBe(1);
    expect(await receive(world, 10, "k")).toEqual({ ...first, replayed: true });
    expect(await stockOf(world)).toMatchObject({ onHand: 10 });
  });

  it("remember their key while the log is away for longer than the retention", async () => {
    const world = createInventoryWorld();
    await receive(world, 10, "k");
    await world.clock.advance(policy.retention);
    await world.reap();
    expect(await receive(world, 10, "k")).toMatchObject({ replayed: true });
  });

  it.each([
    ["quantity", (world: World) => receive(world, 11, "k")],
    ["SKU", (world: World) => receive(world, 10, "k", "COFFEE")],
    ["kind", (world: World) => adjust(world, 10, "k")],
  ])("refuse a key that was used with another %s", async (_what, other) => {
    const world = createInventoryWorld({ catalogue: ["TEA", "COFFEE"] });
    await receive(world, 10, "k");
    expect(await refused(other(world))).toBe("IDEMPOTENCY_KEY_REUSED");
  });

  it("never take away what is reserved or allocated", async () => {
    const world = createInventoryWorld();
    await committed(world, 4);
    expect(await refused(adjust(world, -7, "too much"))).toBe("INSUFFICIENT_STOCK");
    expect(await adjust(world, -6, "all that is free")).toMatchObject({ resource: { quantity: -6, onHand: 4 } });
  });

  it("change the stock once wherever the process dies or fails, when the client asks again with its key", async () => {
    for (let point = 0, passed = true; passed; point += 1) {
      const world = createInventoryWorld();
      let count = 0;
      const died = Promise.withResolvers<"died">();
      const hook = (): Promise<void> | void => {
        if ((count += 1) <= point) return;
        died.resolve("died");
        return new Promise(() => undefined);
      };
      const answer = receive(world.start({ before: hook, after: hook }), 10, "k");
      passed = (await Promise.race([answer, died.promise])) === "died";
      const { resource } = await world.clock.until(receive(world.start(), 10, "k"));
      await world.project();
      expect([point, await stockOf(world)]).toMatchObject([point, { onHand: 10 }]);
      expect((await movementsOf(world)).items).toEqual([resource]);
    }
  });
});

describe("what an order's events do", () => {
  it("books the sale of each SKU once, with the units of all its lines", async () => {
    const world = createInventoryWorld({ catalogue: ["TEA", "COFFEE"] });
    await committed(world, 5, ["TEA", "COFFEE"]);
    const event = shipped(1, "s1", ["TEA", 2], ["COFFEE", 5], ["TEA", 3]);
    expect(await world.react(event, event)).toEqual(["done", "done"]);
    expect(await stockOf(world, "TEA")).toMatchObject({ onHand: 5, allocated: 0, available: 5 });
    expect(await stockOf(world, "COFFEE")).toMatchObject({ onHand: 5, allocated: 0 });
  });

  it("books a shipment that comes again after everything was pruned not twice", async () => {
    const world = createInventoryWorld();
    await committed(world, 5);
    await world.react(shipped(1, "s1", ["TEA", 2]));
    await world.project();
    await world.clock.advance(policy.retention);
    await world.reap();
    expect(await world.react(shipped(1, "s1", ["TEA", 2]))).toEqual(["done"]);
    expect(await stockOf(world)).toMatchObject({ onHand: 8, allocated: 3 });
    expect(await world.react(shipped(2, "s2", ["TEA", 3]))).toEqual(["done"]);
    expect(await stockOf(world)).toMatchObject({ onHand: 5, allocated: 0 });
  });

  it("does not ask what is projected of an event that the items must still know", async () => {
    const world = createInventoryWorld();
    await committed(world, 5);
    let lists = 0;
    const process = world.start({
      before: (operation, collection) => {
        if (operation === "list" && collection === "movements") lists += 1;
      },
    });
    const event = shipped(1, "s1", ["TEA", 2]);
    expect(await process.react(event, event)).toEqual(["done", "done"]);
    // Not projected, so not pruned: of an old event the item is asked first, else what moves in between would be seen nowhere.
    await world.clock.advance(policy.retention);
    await world.reap();
    expect(await process.react(event)).toEqual(["done"]);
    expect(lists).toBe(0);
    await world.project();
    await world.clock.advance(policy.retention);
    await world.reap();
    expect(await process.react(event)).toEqual(["done"]);
    expect(lists).toBe(1);
    expect(await stockOf(world)).toMatchObject({ onHand: 8, allocated: 3 });
  });

  it("asks of an event that is ten minutes old, however long this process remembers: others may have forgotten sooner", async () => {
    const world = createInventoryWorld();
    await committed(world, 5);
    let lists = 0;
    const process = world.start({
      before: (operation, collection) => {
        if (operation === "list" && collection === "movements") lists += 1;
      },
    });
    expect(policy.retention).toBeGreaterThan(2 * 600_000);
    await world.clock.advance(600_000);
    expect(await process.react(shipped(1, "s1", ["TEA", 2]))).toEqual(["done"]);
    expect(lists).toBe(1);
  });

  it("finishes a shipment of which one SKU failed", async () => {
    const world = createInventoryWorld({ catalogue: ["TEA", "COFFEE"] });
    await committed(world, 5, ["TEA", "COFFEE"]);
    let lists = 0;
    const process = world.start({
      before: (operation, collection) => {
        if (operation === "list" && collection === "movements" && (lists += 1) === 1)
          throw new Error("The disk is slow today");
      },
    });
    // Of an old event the projection is asked.
    await world.clock.advance(policy.retention);
    const event = shipped(1, "s1", ["TEA", 5], ["COFFEE", 5]);
    expect(await process.react(event)).toEqual(["ERROR: The disk is slow today"]);
    expect(await process.react(event)).toEqual(["done"]);
    for (const sku of ["TEA", "COFFEE"]) expect(await stockOf(world, sku)).toMatchObject({ onHand: 5, allocated: 0 });
  });

  it("does not sell what the order does not hold: the event fails and stays visible", async () => {
    const world = createInventoryWorld();
    await receive(world, 10);
    const [outcome] = await world.react(shipped(1, "s1", ["TEA", 1]));
    expect(outcome).toMatch(/^WRONG_STATE: /);
    expect(await stockOf(world)).toMatchObject({ onHand: 10 });
  });

  it("takes back what a cancelled order had committed, once", async () => {
    const world = createInventoryWorld();
    await committed(world, 5);
    const event = eventOf("order.cancelled.v1", "o", 1, { ...whose, reason: "changed mind", lines: lines(["TEA", 5]) });
    expect(await world.react(event, event)).toEqual(["done", "done"]);
    expect(await stockOf(world)).toMatchObject({ onHand: 10, allocated: 0, available: 10 });
  });

  it.each([
    ["returned goods that can be sold again", () => returned(1, true, ["TEA", 1], ["TEA", 2]), 13],
    ["not returned goods that cannot", () => returned(1, false, ["TEA", 3]), 10],
    ["the goods of a credit note without an order", () => credited(null, true, "TEA", 3), 13],
    ["not those of a credit note for an order", () => credited("o", true, "TEA", 3), 10],
    ["not those of a credit note without goods", () => credited(null, false, "TEA", 3), 10],
    ["nothing for a credit line without a SKU", () => credited(null, true, null, 3), 10],
  ])("puts back on the shelf, once: %s", async (_what, event, onHand) => {
    const world = createInventoryWorld();
    await receive(world, 10);
    expect(await world.react(event(), event())).toEqual(["done", "done"]);
    await world.project();
    await world.clock.advance(policy.retention);
    await world.reap();
    expect(await world.react(event())).toEqual(["done"]);
    expect(await stockOf(world)).toMatchObject({ onHand });
  });
});

describe("the movements", () => {
  it("tell the whole life of an order's goods, newest first", async () => {
    const world = createInventoryWorld();
    await committed(world, 4);
    await world.react(shipped(1, "s1", ["TEA", 4]), returned(2, true, ["TEA", 1]));
    await release(world, "nobody");
    await world.project();
    const { items } = await movementsOf(world);
    expect(items.map(({ type, quantity, onHand, orderId, seq }) => [type, quantity, onHand, orderId, seq])).toEqual([
      ["RETURN", 1, 7, "o", 5],
      ["SALE", 4, 6, "o", 4],
      ["ALLOCATION", 4, 10, "o", 3],
      ["RESERVATION", 4, 10, "o", 2],
      ["RECEIPT", 10, 10, null, 1],
    ]);
  });

  it("are projected once, however often their events come", async () => {
    const world = createInventoryWorld();
    await committed(world, 4);
    const events = (await Promise.all(world.database.stores().map(store => store.pending(10)))).flat();
    expect(events).toHaveLength(3);
    expect(await world.react(...events, ...events)).toEqual(Array.from({ length: 6 }, () => "done"));
    expect((await movementsOf(world)).items).toHaveLength(3);
  });

  it("are complete only once none is missing, wherever the process dies that projects them", async () => {
    const world = createInventoryWorld();
    await committed(world, 4);
    const dying = world.start({
      before: (operation, collection) =>
        operation === "write" && collection === "movement_progress" ? new Promise(() => undefined) : undefined,
    });
    void dying.project();
    await world.clock.advance(0);
    await world.clock.advance(policy.retention);
    await world.reap();
    expect(await receive(world, 10, "stock of TEA")).toMatchObject({ replayed: true });
    await world.project();
    expect(await world.clock.until(movementsOf(world, {}, 2_000))).toMatchObject({ items: { length: 3 } });
    await world.clock.advance(policy.retention);
    expect(await world.reap()).toBe(1);
  });

  it("show a receipt right after it was made, although its event is still under way", async () => {
    const world = createInventoryWorld();
    const { resource } = await receive(world, 10);
    const list = movementsOf(world, {}, 2_000);
    await world.clock.advance(500);
    await world.project();
    expect((await world.clock.until(list)).items).toEqual([resource]);
  });

  it("are shown as far as they are known when the log is away for longer than the caller waits", async () => {
    const world = createInventoryWorld();
    await receive(world, 10, "a");
    await world.project();
    await receive(world, 10, "b");
    const started = world.clock.now();
    expect((await world.clock.until(movementsOf(world, {}, 2_000))).items).toHaveLength(1);
    expect(world.clock.now() - started).toBeLessThan(2_100);
  });

  it("come in pages", async () => {
    const world = createInventoryWorld();
    for (const quantity of [1, 2, 3]) await receive(world, quantity);
    await world.project();
    const first = await movementsOf(world, { limit: 2 });
    const second = await movementsOf(world, { limit: 2, cursor: first.nextCursor ?? "" });
    expect([...first.items, ...second.items].map(({ quantity }) => quantity)).toEqual([3, 2, 1]);
    expect(second.nextCursor).toBeNull();
  });
});

describe("the SKUs that inventory knows", () => {
  it.each([
    ["looking", "STOCK_ITEM_NOT_FOUND", (world: World) => stockOf(world, "tea")],
    ["listing", "STOCK_ITEM_NOT_FOUND", (world: World) => world.handle("v1.inventory.movements", { sku: "tea" })],
    ["receiving", "PRODUCT_NOT_FOUND", (world: World) => receive(world, 1, "k", "tea")],
  ])("are product's: %s at another is refused with %s", async (_what, code, ask) => {
    expect(await refused(ask(createInventoryWorld()))).toBe(code);
  });

  it("have a stock item with nothing in it as soon as product has them, the event still under way", async () => {
    const world = createInventoryWorld({ catalogue: [] });
    expect(await refused(stockOf(world))).toBe("STOCK_ITEM_NOT_FOUND");
    world.known.add("TEA");
    const empty = { sku: "TEA", onHand: 0, reserved: 0, allocated: 0, available: 0, version: 1 };
    expect(await stockOf(world)).toEqual(empty);
    const price = { amount: 255, currency: "GBP" };
    const data = { sku: "TEA", name: "Tea", price, taxRate: 0, status: "ACTIVE" as const };
    const events = [eventOf("product.created.v1", "TEA", 1, data), eventOf("product.changed.v1", "TEA", 2, data)];
    expect(await world.react(...events)).toEqual(["done", "done"]);
    expect(await stockOf(world)).toEqual(empty);
  });

  it("are asked of product only on a miss", async () => {
    const world = createInventoryWorld();
    await receive(world, 1);
    await receive(world, 2);
    await stockOf(world);
    expect(world.asked).toEqual(["v1.product.price"]);
  });
});
