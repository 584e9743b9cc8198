import { beforeEach, describe, expect, it } from "@jest/globals";
import { createCustomer } from "../../services/customer/customer.parts.ts";
import { customerCollection } from "../../services/customer/customer.schema.ts";
import { eventOf } from "../support/events.ts";
import { asCustomer, asStaff, memoryEnvironment, withKey } from "../support/requests.ts";

function open() {
  const { database, clock, random } = memoryEnvironment();
  const customers = database.collection(customerCollection);
  const { handlers } = createCustomer({ database, clock, random });
  const create = (params: Parameters<(typeof handlers)["v1.customer.create"]>[0], key = {}) =>
    handlers["v1.customer.create"](params, asStaff(key));
  return { customers, handlers, create };
}

const registered = eventOf("account.registered.v1", "a1", 1, {
  accountId: "a1",
  customerId: "c1",
  email: "ann@example.org",
  name: "Ann",
});

describe("customer", () => {
  let shop: ReturnType<typeof open>;
  beforeEach(() => {
    shop = open();
  });

  describe("create", () => {
    it("takes the id that is given", async () => {
      const { resource } = await shop.create({ id: "17850", name: "Ann", country: "France" });
      expect(resource).toMatchObject({ id: "17850", name: "Ann", email: null, country: "France", version: 1 });
      await expect(shop.customers.pending(10)).resolves.toMatchObject([
        { type: "customer.created.v1", data: { id: "17850", name: "Ann", email: null, country: "France" } },
      ]);
    });

    it("refuses an id that is taken", async () => {
      await shop.create({ id: "17850", name: "Ann" });
      await expect(shop.create({ id: "17850", name: "Bob" })).rejects.toMatchObject({ type: "CUSTOMER_EXISTS" });
    });

    it("makes another customer each time when neither id nor key is given", async () => {
      const [one, two] = [await shop.create({ name: "Ann" }), await shop.create({ name: "Ann" })];
      expect(one.resource.id).not.toBe(two.resource.id);
    });

    it("makes one customer for one key", async () => {
      const body = { name: "Ann" };
      const first = await shop.create(body, withKey("k", body));
      const again = await shop.create(body, withKey("k", body));
      expect(again).toEqual({ replayed: true, resource: first.resource });
    });

    it.each([{ name: "Bob" }, { name: "Bob", id: "1" }])("refuses the key with another body: %j", async body => {
      await shop.create({ name: "Ann" }, withKey("k", { name: "Ann" }));
      await expect(shop.create(body, withKey("k", body))).rejects.toMatchObject({ type: "IDEMPOTENCY_KEY_REUSED" });
    });
  });

  describe("a customer's own token", () => {
    beforeEach(async () => {
      await shop.create({ id: "c1", name: "Ann" });
      await shop.create({ id: "c2", name: "Bob" });
    });
    const ann = asCustomer("c1", { ifMatch: 1 });

    it("sees and changes the own customer", async () => {
      await expect(shop.handlers["v1.customer.get"]({ id: "c1" }, ann)).resolves.toMatchObject({ name: "Ann" });
      const changed = await shop.handlers["v1.customer.change"]({ id: "c1", email: "ann@example.org" }, ann);
      expect(changed).toMatchObject({ name: "Ann", email: "ann@example.org", version: 2 });
    });

    it("is told that another customer does not exist, and changes nothing of it", async () => {
      const get = shop.handlers["v1.customer.get"]({ id: "c2" }, ann);
      const change = shop.handlers["v1.customer.change"]({ id: "c2", name: "Mine" }, ann);
      await expect(get).rejects.toMatchObject({ type: "CUSTOMER_NOT_FOUND" });
      await expect(change).rejects.toMatchObject({ type: "CUSTOMER_NOT_FOUND" });
      await expect(shop.customers.load("c2")).resolves.toMatchObject({ version: 1, state: { name: "Bob" } });
    });

    it("lists only the own customer", async () => {
      const { items, nextCursor } = await shop.handlers["v1.customer.list"]({}, ann);
      expect(items.map(({ id }) => id)).toEqual(["c1"]);
      expect(nextCursor).toBeNull();
      await expect(shop.handlers["v1.customer.list"]({ q: "bob" }, ann)).resolves.toMatchObject({ items: [] });
    });

    it("cannot add customers", async () => {
      await expect(shop.handlers["v1.customer.create"]({ name: "Eve" }, ann)).rejects.toMatchObject({
        type: "FORBIDDEN",
      });
    });
  });

  it("is found by a part of its id, name or e-mail in any case", async () => {
    await shop.create({ id: "17850", name: "Ann Lee", email: "ann@example.org" });
    await shop.create({ id: "99", name: "Bob" });
    for (const q of ["785", "ANN L", "@Example"]) {
      const { items } = await shop.handlers["v1.customer.list"]({ q }, asStaff());
      expect(items.map(({ id }) => id)).toEqual(["17850"]);
    }
  });

  it("loses its e-mail when it is set to null, and keeps it when it is not named", async () => {
    await shop.create({ id: "1", name: "Ann", email: "ann@example.org", country: "France" });
    const change = shop.handlers["v1.customer.change"];
    await expect(change({ id: "1", name: "Anna" }, asStaff())).resolves.toMatchObject({ email: "ann@example.org" });
    await expect(change({ id: "1", email: null }, asStaff())).resolves.toMatchObject({ email: null, name: "Anna" });
    await expect(change({ id: "1", email: null }, asStaff())).resolves.toMatchObject({ version: 3 });
    await expect(change({ id: "1", name: "x" }, asStaff({ ifMatch: 1 }))).rejects.toMatchObject({ code: 412 });
  });

  it("is required by orders: nobody has this id", async () => {
    const require = shop.handlers["v1.customer.require"];
    await expect(require({ id: "none" }, asStaff())).rejects.toMatchObject({ type: "UNKNOWN_CUSTOMER", code: 422 });
    await shop.create({ id: "1", name: "Ann", email: "ann@example.org" });
    await expect(require({ id: "1" }, asStaff())).resolves.toEqual({ id: "1", name: "Ann", email: "ann@example.org" });
  });

  it("is made once for an account, by the call or by the event, and a later delivery undoes no change", async () => {
    const ensured = { id: "c1", name: "Ann", email: "ann@example.org" };
    await shop.handlers["v1.customer.ensure"](ensured, asStaff());
    await shop.handlers["v1.customer.change"]({ id: "c1", name: "Anna" }, asStaff());
    const { outcomes } = await shop.handlers["v1.customer.react"]({ events: [registered, registered] }, asStaff());
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(["done", "done"]);
    await expect(shop.customers.load("c1")).resolves.toMatchObject({ version: 2, state: { name: "Anna" } });
  });

  it("is made by the event alone when the call never came", async () => {
    await shop.handlers["v1.customer.react"]({ events: [registered] }, asStaff());
    await expect(shop.handlers["v1.customer.get"]({ id: "c1" }, asCustomer("c1"))).resolves.toMatchObject({
      name: "Ann",
      email: "ann@example.org",
    });
  });
});
