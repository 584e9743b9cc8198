// The audit finds each kind of violation within a minute, and none in a shop where nothing is wrong.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { checkNames, type CheckName, type CheckRun, type Finding } from "../../core/contracts/audit.ts";
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { Order } from "../../core/contracts/order.ts";
import { invoiceIdOf, paymentIdOf, reservationIdOf } from "../../core/kernel/ids.ts";
import { expose } from "../../core/metrics/registry.ts";
import { keep, write, type DocumentStore, type Entry } from "../../core/store/port.ts";
import { systemClock } from "../../core/system.ts";
import { counterCollection, invoiceCollection, paymentCollection } from "../../services/billing/billing.schema.ts";
import { ledgerCollection, type LedgerEntry } from "../../services/billing/provider.simulator.ts";
import { stockCollection } from "../../services/inventory/inventory.schema.ts";
import type { Stock, StockEntry } from "../../services/inventory/inventory.domain.ts";
import { orderCollection } from "../../services/order/order.schema.ts";
import { productCollection } from "../../services/product/product.schema.ts";
import { startBrokerShop, type BrokerShop } from "../support/broker-shop.ts";

const ORDERS = 300;
const LIMIT_MS = 60_000;
const SKUS = Array.from({ length: 20 }, (_, index) => `SKU ${String(index)}`);
const skuOf = (index: number): string => SKUS[index % SKUS.length] ?? "";

let shop: BrokerShop;
const orders: Order[] = [];

const place = async (index: number, method = "pm_card_visa"): Promise<Order> => {
  const line = { sku: skuOf(index), quantity: 1 + (index % 3) };
  const { resource } = await shop.call("v1.order.place", {
    currency: "GBP",
    email: "ann@example.org",
    lines: [line],
    payment: { method },
  });
  return resource;
};
const orderAt = (index: number): Order => {
  const found = orders[index];
  if (found === undefined) throw new Error(`There is no order ${String(index)}`);
  return found;
};
const BUYERS = 4;
const EACH_MS = 80;
/** They buy that of which nothing is planted. The result ends them, and resolves with how many orders they got. */
function startBuyers(): () => Promise<number> {
  let isOpen = true;
  const buyer = async (_: unknown, first: number): Promise<number> => {
    let got = 0;
    for (; isOpen; got += 1) {
      await place(15 + ((got + first) % 5));
      await systemClock.sleep(EACH_MS);
    }
    return got;
  };
  const buying = Promise.all(Array.from({ length: BUYERS }, buyer));
  return async () => {
    isOpen = false;
    return (await buying).reduce((sum, got) => sum + got, 0);
  };
}
const findings = async (): Promise<Finding[]> =>
  (await shop.call("v1.audit.list", { status: "OPEN", limit: 100 })).items;

beforeAll(async () => {
  shop = await startBrokerShop({ auditIntervalMs: 20_000 });
  for (const sku of SKUS) {
    await shop.call("v1.product.create", { sku, name: sku, price: { amount: 1_000, currency: "GBP" } });
    await shop.call("v1.inventory.receive", { sku, quantity: 100_000 });
  }
  for (let first = 0; first < ORDERS; first += 20)
    orders.push(...(await Promise.all(Array.from({ length: 20 }, (_, offset) => place(first + offset)))));
}, 120_000);
afterAll(() => shop.stop());

const ledgerEntry = (type: LedgerEntry["type"], amount: number): LedgerEntry => ({
  ...{ type, amount, currency: "GBP", method: "pm_card_visa", state: "APPROVED", code: null, of: null, claims: [] },
  at: new Date().toISOString(),
});
const change =
  <S>(to: (state: S) => S) =>
  (current: { readonly state: S } | null) => {
    if (current === null) throw new Error("There is nothing to change");
    return write(to(current.state), [], null);
  };
/** A copy of a document under another id. */
async function copy<S>(store: DocumentStore<S>, from: string, id: string, to: (state: S) => S): Promise<void> {
  const original = await store.load(from);
  if (original === null) throw new Error(`There is no ${from}`);
  await store.update(id, () => write(to(original.state), [], null));
}

interface Planted {
  readonly what: string;
  readonly check: CheckName;
  readonly plant: () => Promise<string>;
}
const stock = () => shop.store<Stock, StockEntry>("inventory", stockCollection);
const ledger = () => shop.store("provider", ledgerCollection);
const payments = () => shop.store("billing", paymentCollection);
const invoices = () => shop.store("billing", invoiceCollection);
const ordersStored = () => shop.store("order", orderCollection);

/** Each answers the subject that the finding must have. */
const plants: readonly Planted[] = [
  {
    what: "a count that no event has changed",
    check: "stock",
    plant: async () => {
      await stock().update(
        skuOf(0),
        change(state => ({ ...state, onHand: state.onHand + 1 })),
      );
      return `stock:${skuOf(0)}`;
    },
  },
  {
    what: "a reservation that is not in the counts",
    check: "stock",
    plant: async () => {
      const key = reservationIdOf("ghost");
      const value: StockEntry = {
        state: "COMMITTED",
        orderId: "ghost",
        quantity: 7,
        expiresAt: "2026-01-01T00:00:00Z",
      };
      const entries = new Map<string, Entry<StockEntry>>([[key, { value, dueAt: null }]]);
      await stock().update(
        skuOf(1),
        current => ({ kind: "write", state: current?.state ?? fail(), events: [], entries, result: null }),
        { entries: [key] },
      );
      return `stock:${skuOf(1)}`;
    },
  },
  {
    what: "more reserved than there is",
    check: "stock",
    plant: async () => {
      await stock().update(
        skuOf(2),
        change(state => ({ ...state, onHand: 1 })),
      );
      return `stock:${skuOf(2)}`;
    },
  },
  {
    what: "a charge without a payment",
    check: "charges",
    plant: async () => {
      await ledger().update("pay:ghost:capture", () => write(ledgerEntry("CAPTURE", 500), [], null));
      return "charge:pay:ghost:capture";
    },
  },
  {
    what: "a second charge for an order",
    check: "charges",
    plant: async () => {
      const key = `${paymentIdOf(orderAt(3).id)}:capture:2`;
      await ledger().update(key, () => write(ledgerEntry("CAPTURE", 1_000), [], null));
      return `charge:${key}`;
    },
  },
  {
    what: "a payment without a charge",
    check: "charges",
    plant: async () => {
      const id = paymentIdOf(orderAt(4).id);
      await ledger().update(
        `${id}:capture`,
        change(state => ({ ...state, state: "DECLINED" as const, amount: 0 })),
      );
      return `payment:${id}`;
    },
  },
  {
    what: "a refund that the provider did not make",
    check: "charges",
    plant: async () => {
      const id = paymentIdOf(orderAt(5).id);
      const refund = { id: "re:x", key: `${id}:refund:re:x`, amount: 10, status: "SUCCEEDED", reason: "x" } as const;
      const made = { ...refund, requestedAt: new Date().toISOString(), fingerprint: "" };
      await payments().update(
        id,
        change(state => ({ ...state, refunds: [made] })),
      );
      return `payment:${id}`;
    },
  },
  {
    what: "a confirmed order without an invoice",
    check: "invoices",
    plant: async () => {
      await copy(ordersStored(), orderAt(6).id, "lonely", state => ({ ...state, number: "LONELY" }));
      return "order:lonely";
    },
  },
  {
    what: "a second invoice for an order",
    check: "invoices",
    plant: async () => {
      await copy(invoices(), invoiceIdOf(orderAt(7).id), "inv:again", state => ({ ...state, number: "again" }));
      return "invoice:inv:again";
    },
  },
  {
    what: "an invoice for an order that was rejected",
    check: "invoices",
    plant: async () => {
      const rejected = await place(8, "pm_card_chargeDeclined");
      const id = invoiceIdOf(rejected.id);
      const of = { orderId: rejected.id, number: "rejected" };
      await copy(invoices(), invoiceIdOf(orderAt(8).id), id, state => ({ ...state, ...of }));
      return `order:${rejected.id}`;
    },
  },
  {
    what: "a number that is missing",
    check: "numbers",
    plant: async () => {
      const { number } = (await invoices().load(invoiceIdOf(orderAt(9).id)))?.state ?? fail();
      await invoices().update(
        invoiceIdOf(orderAt(9).id),
        change(state => ({ ...state, number: "lost" })),
      );
      return `series:${number.slice(0, 8)}:${String(Number(number.slice(9)))}`;
    },
  },
  {
    what: "a number beyond the counter",
    check: "numbers",
    plant: async () => {
      const series = `INV-${String(new Date().getUTCFullYear())}`;
      await copy(invoices(), invoiceIdOf(orderAt(10).id), "inv:beyond", state => ({
        ...state,
        orderId: null,
        number: `${series}-900000`,
      }));
      return `series:${series}:beyond`;
    },
  },
  {
    what: "a counter that counted what it did not give",
    check: "numbers",
    plant: async () => {
      const counters = shop.store("billing", counterCollection);
      await counters.update("CN-2025", () => write({ last: 2, lastIssuedAt: null, inFlight: null }, [], null));
      return "series:CN-2025:1";
    },
  },
  {
    what: "an order that is PENDING for too long",
    check: "overdue",
    plant: async () => {
      await copy(ordersStored(), orderAt(11).id, "old", state => ({
        ...state,
        number: "OLD",
        status: "PENDING" as const,
        createdAt: "2026-01-01T00:00:00.000Z",
      }));
      return "order:old";
    },
  },
  {
    what: "an event that the log refuses",
    check: "events",
    plant: async () => {
      const poison = { type: "order.unheard.v1", data: {} } as never;
      await ordersStored().update(orderAt(12).id, current =>
        current === null ? keep(null) : write(current.state, [poison], null),
      );
      return "outbox:order";
    },
  },
  {
    what: "an event that left the outbox and never came",
    check: "events",
    plant: async () => {
      const poison = { type: "payment.unheard.v1", data: {} } as never;
      const id = paymentIdOf(orderAt(13).id);
      const { document } = await payments().update(id, current =>
        current === null ? keep(null) : write(current.state, [poison], null),
      );
      await payments().acknowledge(id, document?.seq ?? 0);
      return `payment:${id}`;
    },
  },
  {
    what: "an event of a product that left the outbox and never came",
    check: "events",
    plant: async () => {
      const products = shop.store("product", productCollection);
      const poison = { type: "product.unheard.v1", data: {} } as never;
      const { document } = await products.update(skuOf(14), current =>
        current === null ? keep(null) : write(current.state, [poison], null),
      );
      await products.acknowledge(skuOf(14), document?.seq ?? 0);
      return `product:${skuOf(14)}`;
    },
  },
  {
    what: "a hole in the log",
    check: "events",
    plant: async () => {
      const event = {
        specversion: "1.0",
        id: "product:hole:3",
        source: "/comptoir/product",
        type: "product.changed.v1",
        subject: "hole",
        time: new Date().toISOString(),
        datacontenttype: "application/json",
        sequence: 3,
        data: { sku: "hole", name: "Hole", price: { amount: 1, currency: "GBP" }, taxRate: 0, status: "ACTIVE" },
      } as const;
      await shop.call("v1.bridge.append", { events: [event] });
      return "product:hole";
    },
  },
];

function fail(): never {
  throw new Error("There is nothing to change");
}

/** The last answer, right or not. */
async function until<T>(ask: () => Promise<T>, isRight: (answer: T) => boolean): Promise<T> {
  const end = Date.now() + LIMIT_MS;
  for (;;) {
    const answer = await ask();
    if (isRight(answer) || Date.now() > end) return answer;
    await systemClock.sleep(250);
  }
}

const keyOf = ({ check, subject }: Pick<Finding, "check" | "subject">): string => `${check} ${subject}`;
const allRan = (checks: readonly CheckRun[], after = ""): boolean =>
  checks.length === checkNames.length && checks.every(({ finishedAt }) => (finishedAt ?? "") > after);

describe("A shop in which nothing is wrong", () => {
  it("has no findings, and every check has run to its end", async () => {
    const { checks, items } = await until(
      () => shop.call("v1.audit.list", {}),
      answer => allRan(answer.checks),
    );
    expect(checks.map(({ error }) => error)).toEqual(checkNames.map(() => null));
    expect(items).toEqual([]);
  });
});

describe("What is planted into the databases", () => {
  const told: CloudEvent[] = [];
  const wanted = new Map<string, string>();

  it("is found within a minute while others buy, each kind of it, and nothing else", async () => {
    const stopBuyers = startBuyers();
    for (const { what, check, plant } of plants) wanted.set(keyOf({ check, subject: await plant() }), what);
    const found = await until(findings, ({ length }) => length >= wanted.size);
    expect(await stopBuyers()).toBeGreaterThan(100);
    const keys = found.map(keyOf);
    expect([...wanted].filter(([key]) => !keys.includes(key)).map(([, what]) => what)).toEqual([]);
    expect(found.filter(finding => !wanted.has(keyOf(finding)))).toEqual([]);
  });

  it("is counted for Prometheus", async () => {
    const counts = Map.groupBy(plants, ({ check }) => check);
    const lines = [...counts].map(([check, of]) => `comptoir_audit_violations{check="${check}"} ${String(of.length)}`);
    const missing = async (): Promise<string[]> => {
      const { body } = await expose();
      return lines.filter(line => !body.includes(`${line}\n`));
    };
    expect(await until(missing, ({ length }) => length === 0)).toEqual([]);
  });

  it("is told as events, once each", async () => {
    const events = await until(
      () => Promise.resolve(told.filter(({ type }) => type === "audit.violation.v1")),
      ({ length }) => length >= wanted.size,
    );
    expect(events.map(({ data }) => keyOf(data as Finding)).sort()).toEqual([...wanted.keys()].sort());
  });

  it("is resolved when it is repaired", async () => {
    await stock().update(
      skuOf(0),
      change(state => ({ ...state, onHand: state.onHand - 1 })),
    );
    const subject = `stock:${skuOf(0)}`;
    const still = await until(findings, found => !found.some(finding => finding.subject === subject));
    expect(still).toHaveLength(wanted.size - 1);
    const { items } = await shop.call("v1.audit.list", { status: "RESOLVED" });
    expect(items).toMatchObject([{ check: "stock", subject, status: "RESOLVED" }]);
    await until(
      () => Promise.resolve(told.map(({ type }) => type)),
      types => types.includes("audit.resolved.v1"),
    );
    expect(told.at(-1)?.data).toMatchObject({ check: "stock", subject });
  });

  beforeAll(() => {
    shop.listen(["audit.violation.v1", "audit.resolved.v1"], event => told.push(event));
  });
});
