// What a failed call tells, and how that opens and closes a circuit.
import { describe, expect, it } from "@jest/globals";
import { Errors } from "moleculer";
import { Circuit } from "../../../core/circuit.ts";
import { fail } from "../../../core/errors.ts";
import { failureOf, mayRepeat, speaksAgainst } from "../../../core/failures.ts";
import { Lateness } from "../../../core/middlewares/deadlines.ts";
import { classes } from "../../../core/policy.ts";

const action = "v1.order.get";
const about = { action, nodeID: "n1" };
const rejected = new Errors.RequestRejectedError(about);
const timeout = new Errors.RequestTimeoutError(about);
const away = new Errors.ServiceNotAvailableError(about);

describe("A failure", () => {
  it.each([
    ["not begun", new Errors.ServiceNotFoundError(about)],
    ["not begun", away],
    ["not begun", new Errors.QueueIsFullError(about)],
    ["gone", rejected],
    ["timeout", timeout],
    ["answered", fail("ORDER_NOT_FOUND", "There is none")],
    ["answered", new Error("whatever")],
  ])("is %s: %s", (kind, error) => {
    expect(failureOf(error, action)).toBe(kind);
  });

  it("of a call further down is an answer here, so that repeats do not multiply over hops", () => {
    for (const error of [rejected, timeout, away]) expect(failureOf(error, "v1.order.place")).toBe("answered");
  });

  it("is repeated for everybody when nothing began, else only where that is harmless", () => {
    const { read, command, conditional, step } = classes;
    for (const policy of [read, command, conditional, step]) expect(mayRepeat("not begun", policy, false)).toBe(true);
    expect([read, step].map(policy => mayRepeat("gone", policy, false))).toEqual([true, true]);
    expect([false, true].map(keyed => mayRepeat("gone", command, keyed))).toEqual([false, true]);
    expect([false, true].map(keyed => mayRepeat("timeout", command, keyed))).toEqual([false, true]);
    expect(mayRepeat("gone", conditional, true)).toBe(false);
    expect(mayRepeat("timeout", step, true)).toBe(false);
    expect(mayRepeat("answered", read, true)).toBe(false);
  });

  it("speaks against its node when it is a fault or a fair timeout, not when it is an answer or another's", () => {
    const against = (error: unknown, given = 4_000) => speaksAgainst(error, action, given, classes.read);
    expect(against(timeout)).toBe(true);
    expect(against(timeout, 1_000)).toBe(false);
    expect(against(new Errors.MoleculerServerError("broken", 500, "BROKEN", {}))).toBe(true);
    expect(against(fail("INTERNAL_ERROR", "broken"))).toBe(true);
    const mongo = Object.assign(new Error("E11000"), { code: 11_000 });
    const further = new Errors.RequestTimeoutError({ action: "v1.product.price", nodeID: "n2" });
    for (const error of [away, rejected, fail("EVENT_BACKLOG", "full"), mongo, further])
      expect(against(error)).toBe(false);
  });
});

describe("A circuit", () => {
  const settings = { threshold: 0.5, minimum: 4, windowMs: 1_000, openMs: 100 };
  const fed = (...outcomes: boolean[]) => {
    const circuit = new Circuit(settings);
    return { circuit, opened: outcomes.map(failed => circuit.count(failed, 0)) };
  };

  it("opens when half of enough calls failed, and not before", () => {
    expect(fed(true, true, true).opened).toEqual([false, false, false]);
    expect(fed(false, true, false, true).opened).toEqual([false, false, false, true]);
    expect(fed(false, false, false, true, true).circuit.state).toBe("CLOSED");
  });

  it("forgets what is older than its window", () => {
    const { circuit } = fed(true, true, true);
    expect(circuit.count(true, 1_000)).toBe(false);
    expect(circuit.calls).toBe(1);
  });

  it("lets one call try, and is closed by its answer or open again", () => {
    const { circuit } = fed(true, true, true, true);
    circuit.letTry();
    expect(circuit.state).toBe("HALF_OPEN");
    circuit.tried(true);
    expect(circuit.state).toBe("OPEN");
    circuit.letTry();
    circuit.tried(false);
    expect(circuit.state).toBe("CLOSED");
    expect(circuit.count(true, 0)).toBe(false);
  });

  it("does not count what began before it opened", () => {
    const { circuit } = fed(true, true, true, true);
    expect(circuit.count(false, 0)).toBe(false);
    expect(circuit.state).toBe("OPEN");
  });
});

describe("How late a message is", () => {
  const MINUTE = 60_000;
  it.each([-MINUTE, 0, MINUTE])("does not depend on a sender's clock that is %d ms off", off => {
    const lateness = new Lateness();
    expect(lateness.of("n1", 1_000 + off, 1_002)).toBe(0);
    expect(lateness.of("n1", 2_000 + off, 2_001)).toBe(0);
    expect(lateness.of("n1", 3_000 + off, 8_001)).toBeCloseTo(5_000, -2);
  });

  it("follows a sender's clock that was set back", () => {
    const lateness = new Lateness();
    lateness.of("n1", 1_000, 1_001);
    expect(lateness.of("n1", 0, 2_001)).toBeGreaterThan(1_900);
    lateness.forget("n1");
    expect(lateness.of("n1", 1_000, 3_001)).toBe(0);
  });
});
