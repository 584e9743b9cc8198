import { describe, expect, it } from "@jest/globals";
import type { DatabaseSync } from "node:sqlite";
import { products } from "../../../scripts/import/queries.ts";
import { HEADER, lines, refusedLines, staged } from "../../support/staged.ts";

const good = "536365,85123A,LANTERN,6,1/12/2010,2.55,17850,United Kingdom";
const names = (db: DatabaseSync): string[] => [...products(db)].map(({ name }) => name);
const rowsOf = (db: DatabaseSync): Record<string, unknown>[] => db.prepare("SELECT * FROM rows ORDER BY line").all();

describe("a row of the file", () => {
  it("becomes a sale in minor units at midnight UTC of its day", async () => {
    const { db, rows } = await staged(lines(good));
    expect(rows).toBe(1);
    expect(rowsOf(db)).toMatchObject([
      { line: 2, kind: "SALE", invoice: "536365", sku: "85123A", quantity: 6, price: 255, customer: "17850" },
    ]);
    expect(rowsOf(db)[0]?.placedAt).toBe("2010-12-01T00:00:00Z");
  });

  it.each([
    ["1/12/2010 8:26", "2010-12-01T08:26:00Z"],
    ["31/1/2011 17:05", "2011-01-31T17:05:00Z"],
    ["02/03/2011", "2011-03-02T00:00:00Z"],
  ])("reads %s as day/month/year", async (date, iso) => {
    const { db } = await staged(lines(good.replace("1/12/2010", date)));
    expect(rowsOf(db)[0]?.placedAt).toBe(iso);
  });

  it("reads dates in another format when told so, and only in that one", async () => {
    const american = { dateFormats: ["M/d/yyyy"], digits: 2 };
    const { db } = await staged(
      lines(good.replace("1/12/2010", "12/31/2010"), good.replace("1/12", "31/12")),
      american,
    );
    expect(rowsOf(db).map(row => row.placedAt)).toEqual(["2010-12-31T00:00:00Z"]);
    expect(refusedLines(db)).toEqual([[3, 'bad date: InvoiceDate "31/12/2010" is not M/d/yyyy']]);
  });

  it.each([
    ["1.15", 115],
    ["8.2", 820],
    ["18", 1800],
    ["0", 0],
    ["4.350", 435],
    ["1149.99", 114_999],
  ])("reads the price %s exactly", async (price, minor) => {
    const { db } = await staged(lines(good.replace("2.55", price)));
    expect(rowsOf(db)[0]?.price).toBe(minor);
  });

  it("is a credit with a C, an adjustment when negative without one", async () => {
    const { db } = await staged(lines(`C${good.replace(",6,", ",-6,")}`, good.replace(",6,", ",-6,")));
    expect(rowsOf(db).map(({ kind, quantity }) => [kind, quantity])).toEqual([
      ["CREDIT", 6],
      ["ADJUSTMENT", -6],
    ]);
  });
});

describe("a broken row", () => {
  it.each([
    ["a missing column", "536366,85123A,LANTERN,6,1/12/2010,2.55,17850", "missing column: 7 of 8"],
    ["a column too many", `${good},x`, "too many columns: 9 instead of 8"],
    ["a bad quantity", good.replace(",6,", ",six,"), 'bad number: Quantity "six" is not a whole number'],
    ["half a piece", good.replace(",6,", ",1.5,"), 'bad number: Quantity "1.5" is not a whole number'],
    ["no quantity", good.replace(",6,", ",0,"), "bad number: Quantity is 0"],
    [
      "a quantity beyond the shop's",
      good.replace(",6,", ",1000001,"),
      "bad number: Quantity 1000001 is beyond 1000000",
    ],
    ["a bad price", good.replace("2.55", "2 55"), 'bad number: UnitPrice "2 55" is not a decimal number'],
    [
      "a price of fractions of a penny",
      good.replace("2.55", "0.001"),
      "bad number: UnitPrice 0.001 has more than 2 decimals",
    ],
    ["a negative price", good.replace("2.55", "-2.55"), "negative price: UnitPrice -2.55"],
    ["a bad date", good.replace("1/12/2010", "31/2/2010"), /^bad date: InvoiceDate "31\/2\/2010"/],
    ["a date that is none", good.replace("1/12/2010", "yesterday"), /^bad date/],
    ["a cancellation of more", `C${good}`, "bad number: Quantity 6 of cancellation C536365 is not negative"],
    ["no invoice", good.replace("536365", ""), "InvoiceNo is empty"],
    ["no stock code", good.replace("85123A", ""), "StockCode is empty"],
    ["NUL bytes", good.replace("LANTERN", "LAN\0TERN"), "wrong encoding: characters that are no text"],
    ["a quote inside a field", good.replace("LANTERN", 'LAN"TE"RN'), "broken quotes"],
    ["the header again", HEADER, /^bad number: Quantity "Quantity"/],
  ])("with %s is refused by its line number and the others go on", async (_, broken, reason) => {
    const { db, rows } = await staged(lines(good, broken, good));
    const refused = refusedLines(db);
    expect(refused).toHaveLength(1);
    expect(refused[0]?.[0]).toBe(3);
    if (typeof reason === "string") expect(refused[0]?.[1]).toBe(reason);
    else expect(refused[0]?.[1]).toMatch(reason);
    expect(rowsOf(db).map(({ line }) => line)).toEqual([2, 4]);
    expect(rows).toBe(3);
  });

  it("with a quote that is never closed costs its own line only", async () => {
    const broken = good.replace("LANTERN", '"LANTERN');
    const { db } = await staged(lines(good, broken, good, good.replace("LANTERN", '"HOOK, 1 HANGER"'), broken, good));
    expect(refusedLines(db)).toEqual([
      [3, "broken quotes"],
      [6, "broken quotes"],
    ]);
    expect(rowsOf(db).map(({ line }) => line)).toEqual([2, 4, 5, 7]);
  });

  it("is counted by lines, blank ones and those inside quotes included", async () => {
    const { db } = await staged(lines("", good.replace("LANTERN", '"LAN\nTERN"'), "", "x"));
    expect(rowsOf(db)).toMatchObject([{ line: 3, description: "LAN TERN" }]);
    expect(refusedLines(db)).toEqual([[6, "missing column: 1 of 8"]]);
  });
});

describe("the encoding", () => {
  const accented = lines(good.replace("LANTERN", "CAFÉ £5"));

  it.each([
    ["UTF-8", Buffer.from(accented)],
    ["UTF-8 with a byte order mark", Buffer.from(`\uFEFF${accented}`)],
    ["UTF-16 little endian", Buffer.from(`\uFEFF${accented}`, "utf16le")],
    ["UTF-16 big endian", Buffer.from(`\uFEFF${accented}`, "utf16le").swap16()],
    ["Latin-1", Buffer.from(accented, "latin1")],
  ])("%s is understood", async (_, content) => {
    const { db } = await staged(content);
    expect(names(db)).toEqual(["CAFÉ £5"]);
    expect(refusedLines(db)).toEqual([]);
  });

  it("is not doubted for one broken row of a UTF-8 file: that row is refused", async () => {
    const row = (name: string, encoding: BufferEncoding): Buffer =>
      Buffer.from(`${good.replace("LANTERN", name)}\r\n`, encoding);
    const content = Buffer.concat([
      Buffer.from(`${HEADER}\r\n`),
      row("CAFÉ", "utf8"),
      row("NAÏVE", "latin1"),
      row("£", "utf8"),
    ]);
    const { db } = await staged(content);
    expect(rowsOf(db).map(({ description }) => description)).toEqual(["CAFÉ", "£"]);
    expect(refusedLines(db)).toEqual([[3, "wrong encoding: characters that are no text"]]);
  });
});

describe("the header", () => {
  it("may come in another order and spelling", async () => {
    const { db } = await staged(
      "Country,Customer ID,Price,invoicedate,Quantity,Description,StockCode,Invoice\nFrance,1,2.5,1/2/2011,3,X,S,I\n",
    );
    expect(rowsOf(db)).toMatchObject([{ invoice: "I", sku: "S", price: 250, quantity: 3, country: "France" }]);
  });

  it("with an unknown column is refused as line 1; the rows go on without it", async () => {
    const { db, rows } = await staged(`${HEADER},Colour\n${good},red\n`);
    expect(refusedLines(db)).toEqual([[1, expect.stringMatching(/^unknown header "Colour"/)]]);
    expect(rowsOf(db)).toHaveLength(1);
    expect(rows).toBe(1);
  });

  it("without a column refuses the rows too, each by name", async () => {
    const { db } = await staged(`${HEADER.replace("Quantity", "Qty")}\n${good}\n`);
    expect(refusedLines(db)).toEqual([
      [1, expect.stringMatching(/^unknown header "Qty"; missing Quantity/)],
      [2, "missing column Quantity: see the header line"],
    ]);
  });

  it("is missing from an empty file", async () => {
    const { db, rows } = await staged("");
    expect(refusedLines(db)).toEqual([[1, "missing header: the file is empty"]]);
    expect(rows).toBe(0);
  });
});
