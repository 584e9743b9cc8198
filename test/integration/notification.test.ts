import { beforeEach, describe, expect, it } from "@jest/globals";
import type { CloudEvent } from "../../core/contracts/common.ts";
import { embeddedMailer } from "../../services/notification/mailer.embedded.ts";
import type { Mail, Mailer } from "../../services/notification/mailer.port.ts";
import { createNotification } from "../../services/notification/notification.parts.ts";
import { MAX_ATTEMPTS } from "../../services/notification/notification.domain.ts";
import type { Call } from "../../core/request.ts";
import { eventOf } from "../support/events.ts";
import { asCustomer, asStaff, memoryEnvironment } from "../support/requests.ts";

const gbp = (amount: number) => ({ amount, currency: "GBP" });
const cancelled = (orderId: string, to: { email?: string | null; customerId?: string | null } = {}, sequence = 1) =>
  eventOf("order.cancelled.v1", orderId, sequence, {
    orderId,
    number: `N-${orderId}`,
    customerId: to.customerId ?? null,
    email: to.email === undefined ? "ann@example.org" : to.email,
    currency: "GBP",
    reason: "changed my mind",
    lines: [],
  });
const refunded = (orderId: string) =>
  eventOf("payment.refunded.v1", `pay:${orderId}`, 1, {
    paymentId: `pay:${orderId}`,
    orderId,
    amount: gbp(255),
    status: "REFUNDED",
    refundId: "r1",
    refunded: gbp(255),
  });

/** A mail server in memory, that can be made to refuse. */
function mailServer() {
  const server = { taken: [] as Mail[], isDown: false };
  const mailer: Mailer = {
    send: mail => {
      if (server.isDown) return Promise.reject(new Error("451 try later"));
      server.taken.push(mail);
      return Promise.resolve("SENT");
    },
  };
  return { server, mailer };
}

/** The order service as far as a mail needs it: "guest" left no e-mail. */
const asksOrders = ((action, { id }: { id: string }) => {
  if (action !== "v1.order.get") return Promise.reject(new Error(`This test does not answer ${action}`));
  const email = id === "guest" ? null : "ann@example.org";
  return Promise.resolve({ number: `N-${id}`, customerId: "c1", email });
}) as Call;

function open(mailer: Mailer) {
  const { database, clock, random } = memoryEnvironment();
  let queued = 0;
  const onQueued = () => (queued += 1);
  const create = (by: Mailer) => createNotification({ database, mailer: by, clock, random, onQueued });
  const { handlers, deliver } = create(mailer);
  return {
    clock,
    timesQueued: () => queued,
    deliver,
    deliverBy: (by: Mailer) => create(by).deliver(),
    react: (...events: CloudEvent[]) => handlers["v1.notification.react"]({ events }, asStaff({ call: asksOrders })),
    list: (params: Parameters<(typeof handlers)["v1.notification.list"]>[0] = {}, request = asStaff()) =>
      handlers["v1.notification.list"](params, request),
  };
}

describe("notification", () => {
  let shop: ReturnType<typeof open>;
  let server: ReturnType<typeof mailServer>["server"];
  beforeEach(() => {
    const mail = mailServer();
    server = mail.server;
    shop = open(mail.mailer);
  });

  describe("an event", () => {
    it("becomes one queued mail, however often it is delivered", async () => {
      await shop.react(cancelled("o1", { customerId: "c1" }));
      const { outcomes } = await shop.react(cancelled("o1", { customerId: "c1" }));
      expect(outcomes).toEqual([{ id: "order:o1:1", outcome: "done" }]);
      const { items } = await shop.list();
      expect(items).toMatchObject([
        {
          id: "ntf:order:o1:1",
          orderId: "o1",
          customerId: "c1",
          channel: "EMAIL",
          template: "order-cancelled",
          recipient: "ann@example.org",
          subject: "Order N-o1 is cancelled",
          status: "QUEUED",
          attempts: 0,
        },
      ]);
      expect(shop.timesQueued()).toBe(2);
    });

    it("without a recipient becomes nothing", async () => {
      const { outcomes } = await shop.react(cancelled("guest", { email: null }), refunded("guest"));
      expect(outcomes.map(({ outcome }) => outcome)).toEqual(["done", "done"]);
      await expect(shop.list()).resolves.toMatchObject({ items: [] });
    });

    it("about a refund goes to whose the order is, also when it overtakes the order's own mails", async () => {
      await shop.react(refunded("o1"));
      const { items } = await shop.list({ orderId: "o1" });
      expect(items[0]).toMatchObject({
        id: "ntf:payment:pay:o1:1",
        recipient: "ann@example.org",
        customerId: "c1",
        subject: "Your refund of £2.55",
      });
      expect(items[0]?.body).toContain("for order N-o1");
    });
  });

  describe("delivery", () => {
    it("sends each mail once and then has nothing to do", async () => {
      await shop.react(cancelled("o1"), cancelled("o2"));
      await shop.deliver();
      await shop.deliver();
      expect(server.taken.map(({ id }) => id).sort()).toEqual(["ntf:order:o1:1", "ntf:order:o2:1"]);
      const { items } = await shop.list();
      expect(items.map(({ status, attempts }) => [status, attempts])).toEqual([
        ["SENT", 1],
        ["SENT", 1],
      ]);
    });

    it("does not begin again when the event comes again", async () => {
      await shop.react(cancelled("o1"));
      await shop.deliver();
      await shop.react(cancelled("o1"));
      await shop.deliver();
      expect(server.taken).toHaveLength(1);
    });

    it("sends once when two deliver at the same moment", async () => {
      await shop.react(cancelled("o1"));
      await Promise.all([shop.deliver(), shop.deliver()]);
      expect(server.taken).toHaveLength(1);
    });

    it("without a mail server keeps the mail where it can be read", async () => {
      const embedded = open(embeddedMailer);
      await embedded.react(cancelled("o1"));
      await embedded.deliver();
      await expect(embedded.list()).resolves.toMatchObject({ items: [{ status: "DELIVERED", lastError: null }] });
    });

    it("tries a refused mail again later, with the same id, and says why it waits", async () => {
      server.isDown = true;
      await shop.react(cancelled("o1"));
      await shop.deliver();
      await expect(shop.list({ status: "FAILED" })).resolves.toMatchObject({
        items: [{ attempts: 1, lastError: "Error: 451 try later" }],
      });
      server.isDown = false;
      await shop.clock.advance(60_000);
      await shop.deliver();
      expect(server.taken).toMatchObject([{ id: "ntf:order:o1:1", recipient: "ann@example.org" }]);
      await expect(shop.list()).resolves.toMatchObject({ items: [{ status: "SENT", attempts: 2, lastError: null }] });
    });

    it("gives up after the last attempt", async () => {
      server.isDown = true;
      await shop.react(cancelled("o1"));
      for (let attempt = 0; attempt <= MAX_ATTEMPTS; attempt += 1) {
        await shop.deliver();
        await shop.clock.advance(3_600_000);
      }
      await expect(shop.list()).resolves.toMatchObject({ items: [{ status: "DEAD", attempts: MAX_ATTEMPTS }] });
    });

    it("takes up what a dead process left when its lease ends, not before", async () => {
      await shop.react(cancelled("o1"));
      const dying: Mailer = { send: () => new Promise(() => undefined) };
      void shop.deliverBy(dying);
      await shop.clock.advance(59_999);
      await shop.deliver();
      expect(server.taken).toEqual([]);
      await shop.clock.advance(1);
      await shop.deliver();
      expect(server.taken).toHaveLength(1);
    });

    it("goes in rounds and says when there is more", async () => {
      await shop.react(...Array.from({ length: 51 }, (_, n) => cancelled(`o${String(n)}`)));
      await expect(shop.deliver()).resolves.toBe(true);
      await expect(shop.deliver()).resolves.toBe(false);
      expect(server.taken).toHaveLength(51);
    });
  });

  describe("the list", () => {
    beforeEach(async () => {
      for (const [orderId, customerId] of [
        ["o1", "c1"],
        ["o2", "c2"],
        ["o3", "c1"],
      ] as const) {
        await shop.react(cancelled(orderId, { customerId }));
        await shop.clock.advance(1000);
      }
    });
    const orders = async (...args: Parameters<typeof shop.list>) =>
      (await shop.list(...args)).items.map(({ orderId }) => orderId);

    it("has the newest first, page by page", async () => {
      const first = await shop.list({ limit: 2 });
      expect(first.items.map(({ orderId }) => orderId)).toEqual(["o3", "o2"]);
      expect(await orders({ limit: 2, cursor: first.nextCursor ?? "" })).toEqual(["o1"]);
    });

    it("can be narrowed to an order or a status", async () => {
      expect(await orders({ orderId: "o2" })).toEqual(["o2"]);
      expect(await orders({ status: "QUEUED" })).toEqual(["o3", "o2", "o1"]);
      expect(await orders({ status: "DEAD" })).toEqual([]);
    });

    it("shows a customer only the own mail", async () => {
      expect(await orders({}, asCustomer("c1"))).toEqual(["o3", "o1"]);
      expect(await orders({ orderId: "o2" }, asCustomer("c1"))).toEqual([]);
    });
  });
});
