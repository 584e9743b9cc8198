// What a node needs, and what the gateway refuses when it cannot keep up.
import { describe, expect, it } from "@jest/globals";
import type { IncomingMessage } from "node:http";
import { Health } from "../../../core/health.ts";
import { Shedding } from "../../../services/gateway/gateway.shedding.ts";
import { clientAddress } from "../../../services/gateway/gateway.address.ts";
import { createManualClock } from "../../support/manual-clock.ts";

const turn = () => new Promise(resolve => setImmediate(resolve));

describe("Health", () => {
  it("tells what fails, apart from what can be done without, and tells of each change once", async () => {
    const health = new Health(createManualClock());
    const changes: unknown[] = [];
    health.onChange((...change) => changes.push(change));
    let works = true;
    const check = () => (works ? Promise.resolve() : Promise.reject(new Error("does not answer")));
    health.register("database", check, { critical: true });
    health.register("log", check, { critical: false });
    expect(health.reasons).toEqual(["database: not checked yet"]);
    await health.poll();
    expect([health.reasons, health.degraded]).toEqual([[], []]);
    works = false;
    await health.poll();
    await health.poll();
    expect(health.reasons).toEqual(["database: does not answer"]);
    expect(health.degraded).toEqual(["log: does not answer"]);
    expect(changes).toEqual([
      ["database", "does not answer"],
      ["log", "does not answer"],
    ]);
  });

  it("does not wait for a check that hangs, and does not start it again", async () => {
    const clock = createManualClock();
    const health = new Health(clock);
    let asked = 0;
    health.register("database", () => new Promise(() => (asked += 1)), { critical: true });
    const poll = health.poll();
    await turn();
    await clock.advance(3_000);
    await poll;
    await health.poll();
    expect(health.reasons).toEqual(["database: no answer within 2.5 s"]);
    expect(asked).toBe(1);
  });

  it("takes what others report", () => {
    const health = new Health(createManualClock());
    health.report("nats", "NATS is away", { critical: true });
    expect(health.reasons).toEqual(["nats: NATS is away"]);
    health.report("nats", null, { critical: true });
    expect(health.reasons).toEqual([]);
  });

  it("takes what several say of the same: it fails while one of them says so", () => {
    const health = new Health(createManualClock());
    const changes: unknown[] = [];
    health.onChange((...change) => changes.push(change));
    const report = health.shared("log", { critical: false });
    report("order", "takes no events");
    report("billing", null);
    expect(health.degraded).toEqual(["log: takes no events"]);
    report("billing", "takes no events");
    report("order", null);
    expect(health.degraded).toEqual(["log: takes no events"]);
    report("billing", null);
    expect(health.degraded).toEqual([]);
    expect(changes).toEqual([
      ["log", "takes no events"],
      ["log", null],
    ]);
  });
});

describe("Load shedding", () => {
  const started = () => {
    const changes: boolean[] = [];
    const shedding = new Shedding({ highMs: 500, lowMs: 250, inFlight: 2 }, isShedding => changes.push(isShedding));
    return { changes, shedding };
  };

  it("begins when the event loop keeps lagging, not after one pause, and ends when it is well below", () => {
    const { changes, shedding } = started();
    shedding.sample(60_000);
    for (let index = 0; index < 5; index += 1) shedding.sample(5);
    expect(shedding.begin()).toBeNull();
    for (let index = 0; index < 5; index += 1) shedding.sample(800);
    expect(shedding.begin()).toBe("lag");
    shedding.sample(300);
    expect(shedding.begin()).toBe("lag");
    for (let index = 0; index < 5; index += 1) shedding.sample(5);
    expect(shedding.begin()).toBeNull();
    expect(changes).toEqual([true, false]);
  });

  it("bounds what runs at once", () => {
    const { shedding } = started();
    expect([shedding.begin(), shedding.begin(), shedding.begin()]).toEqual([null, null, "in flight"]);
    shedding.end();
    expect(shedding.begin()).toBeNull();
  });
});

describe("The client's address", () => {
  const request = (forwarded: string) =>
    ({
      socket: { remoteAddress: "10.0.0.1" },
      headers: { "x-forwarded-for": forwarded },
    }) as unknown as IncomingMessage;

  it.each([
    [0, "1.2.3.4", "10.0.0.1"],
    [1, "9.9.9.9, 1.2.3.4", "1.2.3.4"],
    [2, "9.9.9.9, 1.2.3.4", "9.9.9.9"],
    [["10.0.0.0/8"], "9.9.9.9, 1.2.3.4", "1.2.3.4"],
    [["10.0.0.0/8"], "9.9.9.9, 10.1.1.1", "9.9.9.9"],
    [["192.168.0.0/16"], "9.9.9.9", "10.0.0.1"],
  ])("with %j trusted and X-Forwarded-For %s is %s", (trusted, forwarded, address) => {
    expect(clientAddress(trusted)(request(forwarded))).toBe(address);
  });
});
