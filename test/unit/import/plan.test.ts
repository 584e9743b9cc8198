import { describe, expect, it } from "@jest/globals";
import { readFileSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import {
  creditLinesOf,
  fileCounts,
  fileSums,
  openings,
  orderLinesOf,
  orderOf,
  products,
  steps,
} from "../../../scripts/import/queries.ts";
import { lines, refusedLines, staged, stagedFile } from "../../support/staged.ts";

const SAMPLE = new URL("../../../data/online-retail-10k.csv", import.meta.url).pathname;

/** "536365 A 6 2.55 17850" as a line of the file. */
const row = (text: string): string => {
  const [invoice = "", sku = "", quantity = "", price = "", customer = "", description = `Name of ${sku}`] =
    text.split(" ");
  return [invoice, sku, description, quantity, "1/12/2010", price, customer, "United Kingdom"].join(",");
};
const planned = async (...rows: string[]): Promise<DatabaseSync> => (await staged(lines(...rows.map(row)))).db;
const keys = (db: DatabaseSync): string[] => [...steps(db)].map(({ kind, key }) => `${kind} ${key}`);
const opening = (db: DatabaseSync): Record<string, number> =>
  Object.fromEntries([...openings(db)].map(({ sku, quantity }) => [sku, quantity]));

describe("the sample", () => {
  /** Read without the importer: fields from both ends of the line, pence as digits. */
  const own = readFileSync(SAMPLE, "utf8")
    .trim()
    .split("\r\n")
    .slice(1)
    .map(line => {
      const match = /^([^,]+),([^,]+),.*,(-?\d+),[\d/]+,(\d+)\.?(\d*),(\d*),[^,]+$/.exec(line);
      const [, invoice = "", sku = "", quantity, pounds = "", pence = "", customer = ""] = match ?? [];
      return { invoice, sku, quantity: Number(quantity), price: BigInt(pounds + pence.padEnd(2, "0")), customer };
    });
  const worth = (rows: typeof own): bigint =>
    rows.reduce((sum, { quantity, price }) => sum + BigInt(quantity) * price, 0n);
  const cancelled = own.filter(({ invoice }) => invoice.startsWith("C"));
  const booked = own.filter(({ invoice }) => !invoice.startsWith("C"));
  const sold = booked.filter(({ quantity }) => quantity > 0);

  it("has the sums that an independent reading finds, to the penny", async () => {
    const { db, rows } = await stagedFile(SAMPLE);
    expect(worth(sold)).toBe(18_423_983n);
    expect(worth(cancelled)).toBe(-358_058n);
    expect(own).toHaveLength(9_999);
    expect(rows).toBe(9_999);
    expect(fileSums(db)).toEqual({ revenue: 18_423_983, credits: -358_058 });
    expect(refusedLines(db)).toEqual([]);
  });

  it("is planned whole: every invoice, cancellation and adjustment", async () => {
    const { db } = await stagedFile(SAMPLE);
    const distinct = (rows: typeof own): number => new Set(rows.map(({ invoice }) => invoice)).size;
    expect(fileCounts(db)).toEqual({
      orders: distinct(sold),
      cancellations: distinct(cancelled),
      adjustments: booked.length - sold.length,
    });
    expect([...steps(db)].reduce((sum, { rows }) => sum + rows, 0)).toBe(9_999);
    const quantity = [...steps(db)]
      .filter(({ kind }) => kind === "ORDER")
      .flatMap(({ key }) => orderLinesOf(db, key))
      .reduce((sum, line) => sum + line.quantity, 0);
    expect(quantity).toBe(sold.reduce((sum, line) => sum + line.quantity, 0));
  });

  it("opens every SKU with what it sells less its adjustments, and nothing for one that is only cancelled", async () => {
    const { db } = await stagedFile(SAMPLE);
    const expected: Record<string, number> = {};
    for (const { sku, quantity } of booked) expected[sku] = (expected[sku] ?? 0) + Math.abs(quantity);
    expect(opening(db)).toEqual(expected);
  });

  it("is planned the same every time", async () => {
    const once = (await stagedFile(SAMPLE)).db;
    const again = (await stagedFile(SAMPLE)).db;
    expect([...steps(again)]).toEqual([...steps(once)]);
    expect([...openings(again)]).toEqual([...openings(once)]);
  });
});

describe("an invoice", () => {
  it("is one order although its rows do not stand together", async () => {
    const db = await planned("1 A 6 2.55 7", "2 A 1 2.55 8", "1 B 2 1 7");
    expect(keys(db)).toEqual(["ORDER 1", "ORDER 2"]);
    expect(orderLinesOf(db, "1")).toEqual([
      { sku: "A", price: 255, quantity: 6 },
      { sku: "B", price: 100, quantity: 2 },
    ]);
  });

  it("adds up a SKU at one price and keeps it apart at different ones", async () => {
    const db = await planned("1 A 6 2.55", "1 A 2 3", "1 A 4 2.55");
    expect(orderLinesOf(db, "1")).toEqual([
      { sku: "A", price: 255, quantity: 10 },
      { sku: "A", price: 300, quantity: 2 },
    ]);
  });

  it("keeps free lines and has no customer where the file has none", async () => {
    const db = await planned("1 A 6 0");
    expect(orderLinesOf(db, "1")).toEqual([{ sku: "A", price: 0, quantity: 6 }]);
    expect(orderOf(db, "1")).toMatchObject({ number: "1", customer: null, placedAt: "2010-12-01T00:00:00Z" });
  });

  it("of more than 1,000 lines becomes two orders", async () => {
    const db = await planned(...Array.from({ length: 1_001 }, (_, index) => `1 S${String(index)} 1 1 7`));
    expect(keys(db)).toEqual(["ORDER 1", "ORDER 1/2"]);
    expect(orderLinesOf(db, "1")).toHaveLength(1_000);
    expect(orderLinesOf(db, "1/2")).toEqual([{ sku: "S1000", price: 100, quantity: 1 }]);
  });

  it("has one customer: a row of another is refused, a row of none belongs to it", async () => {
    const db = await planned("1 A 1 1", "1 B 1 1 7", "1 C 1 1 8");
    expect(orderOf(db, "1").customer).toBe("7");
    expect(orderLinesOf(db, "1").map(({ sku }) => sku)).toEqual(["A", "B"]);
    expect(refusedLines(db)).toEqual([[4, "other customer: invoice 1 is of customer 7 since line 3"]]);
  });
});

describe("a cancellation", () => {
  it.each([
    ["an earlier order of its customer", ["1 A 6 2.55 7", "C2 A -2 2.55 7"], ["ORDER 1", "RETURN return:C2:1"]],
    ["the latest of several", ["1 A 6 1 7", "2 A 6 1 7", "C3 A -6 1 7"], ["ORDER 1", "ORDER 2", "RETURN return:C3:2"]],
    ["one with enough left", ["1 A 6 1 7", "2 A 5 1 7", "C3 A -6 1 7"], ["ORDER 1", "ORDER 2", "RETURN return:C3:1"]],
    ["no order at another price", ["1 A 6 1 7", "C3 A -6 1.01 7"], ["ORDER 1", "CREDIT_NOTE credit:C3:goods"]],
    ["no order of another customer", ["1 A 6 1 7", "C3 A -6 1 8"], ["ORDER 1", "CREDIT_NOTE credit:C3:goods"]],
    ["no order when it names no customer", ["1 A 6 1 7", "C3 A -6 1"], ["ORDER 1", "CREDIT_NOTE credit:C3:goods"]],
    ["no order of nobody", ["1 A 6 1", "C3 A -6 1"], ["ORDER 1", "CREDIT_NOTE credit:C3:goods"]],
    ["no later order", ["C3 A -6 1 7", "4 A 6 1 7"], ["CREDIT_NOTE credit:C3:goods", "ORDER 4"]],
  ])("goes to %s", async (_, rows, expected) => {
    expect(keys(await planned(...rows))).toEqual(expected);
  });

  it("takes from an order no more than it shipped, over all cancellations", async () => {
    const db = await planned("1 A 5 1 7", "C2 A -3 1 7", "C3 A -3 1 7", "C4 A -2 1 7");
    expect(keys(db)).toEqual(["ORDER 1", "RETURN return:C2:1", "CREDIT_NOTE credit:C3:goods", "RETURN return:C4:1"]);
  });

  it("is split where only some of its rows have an order, and by order", async () => {
    const db = await planned("1 A 5 1 7", "2 B 5 1 7", "C3 A -1 1 7", "C3 B -1 1 7", "C3 A -1 9 7", "C3 A -2 1 7");
    expect(keys(db).slice(2)).toEqual(["RETURN return:C3:2", "CREDIT_NOTE credit:C3:goods", "RETURN return:C3:1"]);
    expect(creditLinesOf(db, "return:C3:1")).toMatchObject([{ sku: "A", price: 100, quantity: 3 }]);
    expect(creditLinesOf(db, "credit:C3:goods")).toMatchObject([
      { sku: "A", price: 900, quantity: 1, name: "Name of A" },
    ]);
  });

  it("puts on the shelf what is goods: sold in this file, or with a product's code", async () => {
    const db = await planned("1 POST 1 18 7", "C2 POST -1 5", "C2 35004C -1 4.65", "C2 D -1 27.50");
    const restock = db.prepare("SELECT document, restock FROM credits ORDER BY document").all();
    expect(restock).toMatchObject([
      { document: "credit:C2:goods", restock: 1 },
      { document: "credit:C2:other", restock: 0 },
    ]);
    expect(creditLinesOf(db, "credit:C2:other").map(({ sku }) => sku)).toEqual(["D"]);
  });
});

describe("a product", () => {
  it("has the description and the price seen most often", async () => {
    const db = await planned("1 A 1 2 7 OLD", "2 A 1 3 7 NEW", "3 A 1 3 7 NEW", "4 A -1 0  damaged");
    expect([...products(db)]).toEqual([{ sku: "A", name: "NEW", price: 300 }]);
  });

  it("without any description is named by its code, and without any price is free", async () => {
    const { db } = await staged(lines("1,A,,-1,1/12/2010,0,,"));
    expect([...products(db)]).toEqual([{ sku: "A", name: "A", price: 0 }]);
  });

  it("is another one in another case", async () => {
    const db = await planned("1 85123A 1 2", "1 85123a 1 2");
    expect([...products(db)].map(({ sku }) => sku)).toEqual(["85123A", "85123a"]);
  });
});

describe("the opening stock", () => {
  it("is what is sold less the adjustments, whatever comes back", async () => {
    const db = await planned("1 A 5 1 7", "2 A -3 0", "C3 A -4 1 7", "4 A 2 1 7");
    expect(opening(db)).toEqual({ A: 5 + 3 + 2 });
  });

  it("is asked for under another key when the file's rows of the SKU change, and only then", async () => {
    const digests = async (...rows: string[]): Promise<string[]> =>
      [...openings(await planned(...rows))].map(({ digest }) => digest);
    const [a, b] = await digests("1 A 5 1 7", "1 B 5 1 7");
    expect(a).not.toBe(b);
    expect(await digests("1 A 5 2 7", "1 B 4 1 7")).toEqual([a, expect.not.stringMatching(b ?? "")]);
  });
});
