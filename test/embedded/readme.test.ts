// The README's walk, run line by line as it is printed.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { startShop, temporaryFolder, type Shop } from "../../scripts/support/shop.ts";

const readme = readFileSync(join(import.meta.dirname, "..", "..", "README.md"), "utf8");
const section = readme.split("## A five-minute walk")[1]?.split("\n## ")[0] ?? "";
const blocks = [...section.matchAll(/```sh\n([\s\S]*?)```/g)].map(match => match[1] ?? "");

describe("The README's walk", () => {
  const folder = temporaryFolder();
  let shop: Shop;
  let outputs: string[];

  beforeAll(async () => {
    // As a user has it: port 3000, the administrator of the first start, data in .data of the folder.
    const env = { COMPTOIR_PORT: "3000", COMPTOIR_ADMIN_PASSWORD: "" };
    shop = await startShop({ data: join(folder, ".data"), env });
    // One shell for all blocks; the marker parts their outputs.
    const script = blocks.join("\necho; echo '=====';\n");
    const output = execFileSync("bash", ["-eu", "-o", "pipefail"], { input: script, cwd: folder, encoding: "utf8" });
    outputs = output.split("=====\n");
  });
  afterAll(async () => {
    await shop.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  const block = (index: number): string => outputs[index] ?? "";

  it("has the blocks that this test knows", () => {
    expect(blocks).toHaveLength(6);
  });

  it("makes a product and ten of it", () => {
    expect(block(1)).toContain('"sku":"85123A"');
    expect(block(1)).toContain('"type":"RECEIPT","quantity":10');
  });

  it("places one order, however often it is sent", () => {
    const ids = [...block(2).matchAll(/"id":"([^"]+)","number"/g)].map(match => match[1]);
    expect(ids).toHaveLength(2);
    expect(ids[0]).toBe(ids[1]);
    expect(block(2)).toContain('"status":"CONFIRMED"');
    expect(block(2).toLowerCase()).toContain("idempotency-replayed: true");
  });

  it("rejects the order that stock does not suffice for, and keeps nothing back", () => {
    expect(block(3)).toContain('"code":"OUT_OF_STOCK"');
    expect(block(3)).toContain('"onHand":10,"reserved":0,"allocated":6,"available":4');
  });

  it("shows on the timeline why a card was declined", () => {
    expect(block(4)).toContain('"outcome":"PAYMENT_DECLINED"');
    expect(block(4)).toContain('"name":"REJECTED"');
  });

  it("shows invoice, mail and movements", () => {
    expect(block(5)).toMatch(/"number":"INV-\d{4}-000001"/);
    expect(block(5)).toContain('"recipient":"guest@example.org"');
    expect(block(5)).toContain('"type":"ALLOCATION"');
  });
});
