// Mail by SMTP over a real connection: from the event to the mail server.
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { openMemoryDatabase, createMemoryStorage } from "../support/memory-driver.ts";
import { smtpMailer } from "../../services/notification/mailer.smtp.ts";
import { MailRefused, type Mail, type Mailer } from "../../services/notification/mailer.port.ts";
import { createNotification } from "../../services/notification/notification.parts.ts";
import { eventOf } from "../support/events.ts";
import { startMailServer, type MailServer } from "../support/mail-server.ts";
import { createManualClock, createManualRandom } from "../support/manual-clock.ts";
import { asStaff } from "../support/requests.ts";

const FROM = "shop@example.com";
const mail = (change: Partial<Mail> = {}): Mail => ({
  id: "ntf:order:o1:1",
  recipient: "ann@example.org",
  subject: "Order N-1 is cancelled",
  body: "Hello\n",
  ...change,
});
const cancelled = (orderId: string, reason = "changed my mind") =>
  eventOf("order.cancelled.v1", orderId, 1, {
    orderId,
    number: `N-${orderId}`,
    customerId: null,
    email: `${orderId}@example.org`,
    currency: "GBP",
    reason,
    lines: [],
  });

describe("Mail by SMTP", () => {
  let server: MailServer;
  let mailers: Mailer[];
  beforeEach(async () => {
    server = await startMailServer();
    mailers = [];
  });
  afterEach(async () => {
    for (const mailer of mailers) mailer.close?.();
    await server.stop();
  });
  function connect(url = server.url): Mailer {
    const mailer = smtpMailer({ url, from: FROM });
    mailers.push(mailer);
    return mailer;
  }

  describe("a mail", () => {
    it("arrives as it was written, from the shop, to its recipient only", async () => {
      expect(await connect().send(mail())).toBe("SENT");
      expect(server.envelopes).toEqual([["ann@example.org"]]);
      const [taken] = server.taken;
      expect(taken).toMatchObject({ subject: "Order N-1 is cancelled", text: "Hello\n" });
      expect(taken?.from?.text).toBe(FROM);
      expect(taken?.to).toMatchObject({ text: "ann@example.org" });
      expect(taken?.headers.get("auto-submitted")).toBe("auto-generated");
    });

    it("keeps umlauts, signs and subjects longer than a line", async () => {
      const subject = `Rückgabe über 12,50 € – ${"Grüße aus Köln, ".repeat(20)}Ende`;
      const body = "Straße 5, 東京\n.\n..two dots\nDanke – schön\n";
      await connect().send(mail({ subject, body }));
      expect(server.taken).toMatchObject([{ subject, text: body }]);
    });

    it("has the same Message-ID at every attempt, and another one for another mail", async () => {
      const mailer = connect();
      for (const id of ["a", "a", "b\r\nBcc: eve@example.net"]) await mailer.send(mail({ id }));
      const [first, again, other] = server.taken.map(({ messageId }) => messageId);
      expect(first).toMatch(/^<[\w-]+@example\.com>$/);
      expect(again).toBe(first);
      expect(other).toMatch(/^<[\w-]+@example\.com>$/);
      expect(other).not.toBe(first);
    });

    it("cannot bring a header or a recipient of its own", async () => {
      const mailer = connect();
      await mailer.send(mail({ subject: "Order\r\nBcc: eve@example.net\r\n\r\nInjected" }));
      expect(server.envelopes).toEqual([["ann@example.org"]]);
      const [taken] = server.taken;
      expect(taken?.bcc).toBeUndefined();
      expect(taken?.text).toBe("Hello\n");
      for (const recipient of [
        "ann@example.org, eve@example.net",
        "ann@example.org\r\nRCPT TO:<eve@example.net>",
        "<eve@example.net> ann@example.org",
        "nobody",
      ])
        await expect(mailer.send(mail({ recipient }))).rejects.toThrow(MailRefused);
      expect(server.taken).toHaveLength(1);
    });
  });

  describe("an answer", () => {
    it.each([
      { at: "rcpt", code: 550, text: "No such mailbox" },
      { at: "data", code: 554, text: "Message rejected" },
    ] as const)("of $code at $at is a refusal for good, and says why", async mood => {
      server.mood(mood);
      const refused = connect().send(mail());
      await expect(refused).rejects.toThrow(MailRefused);
      await expect(refused).rejects.toThrow(mood.text);
    });

    it.each([
      { at: "rcpt", code: 450, text: "Mailbox busy" },
      { at: "data", code: 451, text: "Try later" },
    ] as const)("of $code at $at is none for good", async mood => {
      server.mood(mood);
      const failed = connect().send(mail());
      await expect(failed).rejects.toThrow(mood.text);
      await expect(failed).rejects.not.toThrow(MailRefused);
    });

    it("that never comes, because the connection broke, leaves the mail to the next attempt: one arrival each", async () => {
      const mailer = connect();
      server.mood("drop");
      await expect(mailer.send(mail())).rejects.not.toThrow(MailRefused);
      expect(server.arrivals()).toBe(1);
      server.mood("take");
      await mailer.send(mail());
      expect(server.taken).toHaveLength(1);
    });

    it("of nobody: without a server, and when the mailer is closed under it", async () => {
      await expect(connect("smtp://127.0.0.1:1").send(mail())).rejects.not.toThrow(MailRefused);
      server.freeze();
      const mailer = connect();
      const waiting = mailer.send(mail());
      mailer.close?.();
      await expect(waiting).rejects.not.toThrow(MailRefused);
    });
  });

  describe("processes on one store", () => {
    function open(count: number) {
      const storage = createMemoryStorage();
      const clock = createManualClock();
      const nodes = Array.from({ length: count }, (_, index) => {
        const random = createManualRandom(index + 1);
        const database = openMemoryDatabase(storage, { clock, random, outboxBound: 1_000 });
        return createNotification({ database, mailer: connect(), clock, random, onQueued: () => undefined });
      });
      const react = (node: number, ...events: ReturnType<typeof cancelled>[]) =>
        nodes[node]?.handlers["v1.notification.react"]({ events }, asStaff());
      const deliver = () => Promise.all(nodes.map(node => node.deliver()));
      const list = async () =>
        (await nodes[0]?.handlers["v1.notification.list"]({ limit: 100 }, asStaff()))?.items ?? [];
      return { clock, react, deliver, list };
    }

    it("send each mail once, however often its event comes and to whichever of them", async () => {
      const { react, deliver, list } = open(2);
      const events = Array.from({ length: 40 }, (_, n) => cancelled(`o${String(n)}`));
      await Promise.all([react(0, ...events), react(1, ...events)]);
      await Promise.all([deliver(), deliver(), react(1, ...events)]);
      await deliver();
      expect(server.taken).toHaveLength(40);
      expect(new Set(server.taken.map(({ messageId }) => messageId)).size).toBe(40);
      expect((await list()).every(({ status, attempts }) => status === "SENT" && attempts === 1)).toBe(true);
    });

    it("try again what was put off, and do not ask again what was refused for good", async () => {
      const { clock, react, deliver, list } = open(2);
      server.mood({ at: "rcpt", code: 421, text: "Busy" });
      await react(0, cancelled("late"));
      await deliver();
      expect(await list()).toMatchObject([{ status: "FAILED", attempts: 1 }]);
      server.mood("take");
      await clock.advance(60_000);
      await deliver();
      expect(await list()).toMatchObject([{ status: "SENT", attempts: 2, lastError: null }]);
      server.mood({ at: "rcpt", code: 550, text: "No such mailbox" });
      await react(1, cancelled("gone"));
      await deliver();
      server.mood("take");
      await clock.advance(3_600_000);
      await deliver();
      const [gone] = (await list()).filter(({ orderId }) => orderId === "gone");
      expect(gone).toMatchObject({ status: "DEAD", attempts: 1 });
      expect(gone?.lastError).toContain("No such mailbox");
      expect(server.taken).toHaveLength(1);
    });
  });
});
