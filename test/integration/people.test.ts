// Account, customer, product and notification wired to a broker, as a node runs them.
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { ServiceBroker } from "moleculer";
import type { Config } from "../../core/config.ts";
import { scopes } from "../../core/contracts/action.ts";
import type { Account, Token } from "../../core/contracts/account.ts";
import type { Keyed, Page } from "../../core/contracts/common.ts";
import type { Customer } from "../../core/contracts/customer.ts";
import type { Notification } from "../../core/contracts/notification.ts";
import type { Environment } from "../../core/environment.ts";
import { Health } from "../../core/health.ts";
import type { Principal } from "../../core/request.ts";
import { systemClock, systemRandom } from "../../core/system.ts";
import { brokerOptions } from "../../moleculer.config.ts";
import { createService as createAccount } from "../../services/account/account.service.ts";
import { createService as createCustomer } from "../../services/customer/customer.service.ts";
import { createService as createNotification } from "../../services/notification/notification.service.ts";
import { createService as createProduct } from "../../services/product/product.service.ts";
import { testConfig } from "../support/config.ts";
import { eventOf } from "../support/events.ts";
import { createMemoryStorage, openMemoryDatabase } from "../support/memory-driver.ts";

const admin = { email: "admin@comptoir.local", password: "correct horse battery" };
const ann = { email: "ann@example.org", password: "battery staple", name: "Ann" };

const config: Config = { ...testConfig, admin };
const environment = (): Environment => {
  const options = { clock: systemClock, random: systemRandom, outboxBound: config.outboxBound };
  const database = () => ({
    ...openMemoryDatabase(createMemoryStorage(), options),
    mixin: {},
    check: () => Promise.resolve(),
    onWritten: () => undefined,
    measure: () => undefined,
  });
  return { config, clock: systemClock, random: systemRandom, health: new Health(systemClock), database };
};

describe("on a broker", () => {
  let broker: ServiceBroker;
  const call = <T>(action: string, params: object, principal: Principal = { kind: "anonymous" }) =>
    broker.call<T, object>(action, params, { meta: { principal } });
  const register = async () => {
    const { resource } = await call<Keyed<Account>>("v1.account.register", ann);
    const { id, scopes: granted, customerId } = resource;
    return { kind: "user", id, scopes: granted, customerId } as const;
  };

  beforeEach(async () => {
    broker = new ServiceBroker({ ...brokerOptions(config), logger: false });
    for (const create of [createAccount, createCustomer, createNotification, createProduct])
      broker.createService(create(environment()));
    await broker.start();
  });
  afterEach(() => broker.stop());

  it("the administrator can log in from the first moment", async () => {
    const { email, password } = admin;
    await expect(call<Token>("v1.account.login", { email, password })).resolves.toMatchObject({ expiresIn: 3600 });
  });

  it("whoever registers has a customer right after", async () => {
    const principal = await register();
    await expect(call<Customer>("v1.customer.get", { id: principal.customerId }, principal)).resolves.toMatchObject({
      name: "Ann",
      email: "ann@example.org",
    });
  });

  it("a customer's account cannot add products or customers", async () => {
    const principal = await register();
    const price = { amount: 1, currency: "GBP" };
    const product = call("v1.product.create", { sku: "A", name: "A", price }, principal);
    await expect(product).rejects.toMatchObject({ type: "FORBIDDEN" });
    await expect(call("v1.customer.create", { name: "Eve" }, principal)).rejects.toMatchObject({ type: "FORBIDDEN" });
  });

  it("mail goes out because of an event, without anybody asking", async () => {
    const event = eventOf("account.registered.v1", "a1", 1, {
      accountId: "a1",
      customerId: "c1",
      email: "ann@example.org",
      name: "Ann",
    });
    await call("v1.notification.react", { events: [event] }, { kind: "service", id: "bridge" });
    const staff: Principal = { kind: "user", id: "admin", scopes, customerId: null };
    let mails: Page<Notification> = { items: [], nextCursor: null };
    while (mails.items[0]?.status !== "DELIVERED") {
      await turn();
      mails = await call("v1.notification.list", {}, staff);
    }
    expect(mails.items).toMatchObject([{ recipient: "ann@example.org", subject: "Welcome to Comptoir" }]);
  });

  it("a flood of logins is turned away instead of waiting without end", async () => {
    const attempts = Array.from({ length: 60 }, () => call("v1.account.login", { email: "nobody", password: "x" }));
    const types = (await Promise.allSettled(attempts)).map(
      outcome => outcome.status === "rejected" && (outcome.reason as { type?: string }).type,
    );
    // Two run and fifty wait; of the eight that are turned away some find a place when they are made again.
    const full = types.filter(type => type === "QUEUE_FULL").length;
    expect(full).toBeGreaterThan(0);
    expect(full).toBeLessThanOrEqual(8);
    expect(types).toContain("UNAUTHENTICATED");
    // A machine that is busy with something else hashes fewer than that before their time is over.
    const heard = ["UNAUTHENTICATED", "REQUEST_TIMEOUT", "DEADLINE_EXCEEDED"];
    expect(types.filter(type => heard.includes(String(type)))).toHaveLength(60 - full);
  });
});
