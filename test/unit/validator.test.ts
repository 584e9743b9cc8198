import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { Type, type TSchema } from "typebox";
import { Errors, ServiceBroker } from "moleculer";
import { actions, events } from "../../core/contracts/index.ts";
import type { FieldError } from "../../core/kernel/errors.ts";
import { closed, nullable, Price, Sku, Timestamp } from "../../core/contracts/common.ts";
import { checkOf, ContractValidator } from "../../core/middlewares/validator.ts";

const check = checkOf(
  closed({ sku: Sku, price: Type.Optional(nullable(Price)), kind: Type.Optional(Type.Enum(["A", "B"])) }),
);

describe("a check", () => {
  it("is true for what fits", () => {
    expect(check({ sku: "BANK CHARGES", price: null })).toBe(true);
  });

  it.each<[string, unknown, FieldError[]]>([
    ["a missing property", {}, [{ pointer: "/sku", message: "is required" }]],
    ["an unknown property", { sku: "A", "x~/y": 1 }, [{ pointer: "/x~0~1y", message: "is not a known field" }]],
    ["a value of an enumeration", { sku: "A", kind: "C" }, [{ pointer: "/kind", message: "must be one of A, B" }]],
    ["another type", { sku: 1 }, [{ pointer: "/sku", message: "must be string" }]],
    ["nothing", undefined, [{ pointer: "", message: "must be object" }]],
  ])("points at %s", (_, params, errors) => {
    expect(check(params)).toEqual(errors);
  });

  it("names one mistake, or all when asked to", () => {
    const params = { sku: "", kind: "C", other: 1 };
    expect(check(params)).toHaveLength(1);
    const all = check(params, true);
    expect(all === true ? [] : all.map(({ pointer }) => pointer).sort()).toEqual(["/kind", "/other", "/sku"]);
  });

  it("names at most 50", () => {
    const params = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`x${String(index)}`, 1]));
    expect(check(params, true)).toHaveLength(50);
  });

  it("changes nothing in what it checks", () => {
    const params = { sku: "A", price: { amount: "1", currency: "GBP" } };
    const before = structuredClone(params);
    expect(check(params)).not.toBe(true);
    expect(params).toEqual(before);
  });

  it.each([
    ["2010-12-01T08:26:00Z", true],
    ["2010-12-01t08:26:00.5+02:00", true],
    ["9999-12-31T23:59:59Z", true],
    ["2010-02-30T00:00:00Z", false],
    ["2010-12-01", false],
    ["2010-12-01T08:26:00", false],
    ["2016-12-31T23:59:60Z", false],
    ["9999-12-31T23:59:59-01:00", false],
    ["0000-01-01T00:00:00+01:00", false],
  ])("takes times that are times in UTC too: %s, %s", (text, fits) => {
    expect(checkOf(closed({ at: Timestamp }))({ at: text }) === true).toBe(fits);
  });

  const contracts = Object.entries(actions).flatMap(([name, { params, result }]): [string, TSchema][] => [
    [`the parameters of ${name}`, params],
    [`the result of ${name}`, result],
  ]);
  it.each([...contracts, ...Object.entries(events)])("can be made of every contract: %s", (_, schema) => {
    expect(checkOf(schema)(Symbol("of no type"))).not.toBe(true);
  });
});

describe("the broker's validation", () => {
  const broker = new ServiceBroker({ logger: false, validator: new ContractValidator() });
  beforeAll(() => {
    broker.createService({
      name: "thing",
      actions: { take: { params: { ...closed({ sku: Sku }) }, handler: ({ params }: { params: unknown }) => params } },
    });
    return broker.start();
  });
  afterAll(() => broker.stop());

  it("lets through what fits", async () => {
    expect(await broker.call("thing.take", { sku: "A" })).toEqual({ sku: "A" });
  });

  it("rejects, and does not throw, what does not fit", async () => {
    const call: Promise<unknown> = broker.call("thing.take", { sku: 1 });
    const error = await call.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(Errors.ValidationError);
    expect(error).toMatchObject({ data: [{ pointer: "/sku", message: "must be string" }] });
  });

  it("reads the language of Moleculer's own actions too", async () => {
    expect(await broker.call("$node.list", { onlyAvailable: "true" })).toHaveLength(1);
    await expect(broker.call("$node.list", { onlyAvailable: "perhaps" })).rejects.toBeInstanceOf(
      Errors.ValidationError,
    );
  });
});
