// The one table of how calls may fail.
import { describe, expect, it } from "@jest/globals";
import type { ActionContract } from "../../../core/contracts/action.ts";
import { actions, type ActionName } from "../../../core/contracts/index.ts";
import { PATIENCE_MS, OWN_BUDGET_MS, stopTimesOf } from "../../../core/deadlines.ts";
import { classes, type Policy, type Values } from "../../../core/policy.ts";
import { classOf, policyOf, resilience } from "../../../core/resilience.ts";

const contracts: Readonly<Record<string, ActionContract>> = actions;
const names = Object.keys(actions) as ActionName[];

describe("The table of resilience", () => {
  it("has every action of the contracts and no other", () => {
    expect(Object.keys(resilience).sort()).toEqual([...names].sort());
  });

  it("repeats what was under way only where that is harmless", () => {
    for (const name of names) {
      const { repeatable, retries } = policyOf(name);
      const { read, rest, auth } = contracts[name] as ActionContract;
      const isKeyed = rest?.key !== undefined;
      // What only services call is keyed by its parameters; the table says so in words.
      if (repeatable === "always") expect([name, read === true || auth === "internal"]).toEqual([name, true]);
      if (repeatable === "with a key") expect([name, isKeyed]).toEqual([name, true]);
      if (rest?.ifMatch === true) expect([name, repeatable]).toEqual([name, "never"]);
      expect([name, retries <= 2]).toEqual([name, true]);
    }
  });

  it("gives every value a reason", () => {
    for (const name of names) {
      const { why, ...values } = policyOf(name);
      expect(Object.keys(why).sort()).toEqual(Object.keys(values).sort());
      for (const reason of Object.values(why)) expect(reason).toMatch(/\w+ \w+/);
    }
  });

  it("gives a reason of its own to each value that differs from its class", () => {
    for (const name of names) {
      const [{ why, ...values }, plain] = [policyOf(name), classes[classOf(name)] as Policy];
      for (const value of Object.keys(values) as (keyof Values)[])
        if (values[value] !== plain[value])
          expect([name, value, why[value]]).not.toEqual([name, value, plain.why[value]]);
    }
  });

  it("keeps each attempt of a client's request within the gateway's patience", () => {
    for (const name of names) {
      const { timeoutMs } = policyOf(name);
      const isForClients = contracts[name]?.rest !== undefined && classOf(name) !== "background";
      expect([name, timeoutMs <= (isForClients ? PATIENCE_MS : OWN_BUDGET_MS)]).toEqual([name, true]);
    }
  });

  it("is never without an answer, also for an action that a newer node offers", () => {
    expect(policyOf("v9.unheard.of")).toMatchObject({ retries: 0, repeatable: "never" });
  });
});

describe("A stop", () => {
  it.each(["embedded", "cluster"] as const)("of mode %s leaves a second for the last events", mode => {
    const { announceMs, handlersMs, deadlineMs } = stopTimesOf({ mode });
    expect(announceMs + handlersMs + 1_000).toBeLessThan(deadlineMs);
  });
});
