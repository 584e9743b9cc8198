import { beforeEach, describe, expect, it } from "@jest/globals";
import { LogLevels } from "../../../core/logging/levels.ts";
import { idsOf } from "../../../core/logging/ids.ts";

let levels: LogLevels;
let said: object[];

beforeEach(() => {
  levels = new LogLevels("info");
  said = [];
  levels.attach((_message, data) => said.push(data));
  for (const module of ["order", "gateway"]) levels.know(module);
});

const logged = (module: string) =>
  (["fatal", "error", "warn", "info", "debug", "trace"] as const).filter(level => levels.allows(module, level));

describe("The levels of a node", () => {
  it("begin as the settings say", () => {
    expect(logged("order")).toEqual(["fatal", "error", "warn", "info"]);
    expect(levels.view).toEqual({ level: "info", modules: [], known: ["gateway", "order"] });
  });

  it("change for one module and leave the others", () => {
    expect(levels.set({ level: "trace", module: "order" })).toBe(true);
    expect(logged("order")).toHaveLength(6);
    expect(logged("gateway")).toHaveLength(4);
    levels.set({ level: "default", module: "order" });
    expect(logged("order")).toHaveLength(4);
  });

  it("change for all, which ends those of the modules, and go back to the start's", () => {
    levels.set({ level: "trace", module: "order" });
    levels.set({ level: "error" });
    expect([logged("order"), logged("gateway")]).toEqual([
      ["fatal", "error"],
      ["fatal", "error"],
    ]);
    levels.set({ level: "default" });
    expect(levels.view).toMatchObject({ level: "info", modules: [] });
  });

  it("are not changed for a module that the node does not have", () => {
    expect(levels.set({ level: "trace", module: "orders" })).toBe(false);
    expect([levels.view.modules, said]).toEqual([[], []]);
  });

  it("say each change", () => {
    levels.set({ level: "fatal", module: "order" });
    levels.set({ level: "warn" });
    expect(said).toEqual([
      { module: "order", before: "info", now: "fatal" },
      { module: "all", before: "info", now: "warn" },
    ]);
  });
});

describe("A line's ids", () => {
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
  const scope = { traceparent, requestId: null, span: null };
  const traceId = "0af7651916cd43dd8448eb211c80319c";

  it("are the trace's, and the client's request id when it gave one", () => {
    expect(idsOf(scope)).toEqual({ traceId });
    expect(idsOf({ ...scope, requestId: "mine-0001" })).toEqual({ traceId, requestId: "mine-0001" });
  });

  it("say which order, payment, invoice or SKU the call is about", () => {
    const ids = (action: string, params: object) => idsOf({ ...scope, action, params });
    expect(ids("v1.order.get", { id: "7" })).toEqual({ traceId, action: "v1.order.get", orderId: "7" });
    expect(ids("v1.billing.refund", { id: "p", amount: 5 })).toMatchObject({ paymentId: "p" });
    expect(ids("v1.billing.invoice", { id: "i" })).toMatchObject({ invoiceId: "i" });
    expect(ids("v1.inventory.reserve", { orderId: "7", sku: "A" })).toMatchObject({ orderId: "7", sku: "A" });
  });

  it("take nothing else of the parameters, and no id that could be an address", () => {
    const params = { customerId: "eve@example.org", email: "eve@example.org", sku: 7, orderId: "x".repeat(200) };
    expect(idsOf({ ...scope, action: "v1.order.place", params })).toEqual({ traceId, action: "v1.order.place" });
    expect(idsOf({ ...scope, action: "v1.order.get", params: null })).toEqual({ traceId, action: "v1.order.get" });
  });
});
