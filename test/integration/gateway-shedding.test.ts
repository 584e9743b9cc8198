// What a gateway does whose event loop is really blocked, again and again: it refuses until it keeps up.
import { performance } from "node:perf_hooks";
import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import { expect, it } from "@jest/globals";
import { startGateway } from "../support/gateway.ts";
import { scrapeHere, valueOf } from "../support/scrape.ts";

const BLOCK_MS = 1_000;
/** The first falls into a sample that is quiet for the most part; the others count. */
const TURNS = 3;
const LIMIT_MS = 15_000;

async function blockTheLoop(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) {
    await nextTurn();
    const end = performance.now() + BLOCK_MS;
    while (performance.now() < end);
  }
}

const shedForLag = async (): Promise<number> =>
  valueOf(await scrapeHere(), "comptoir_requests_shed_total", { reason: "lag" }) ?? 0;

it("refuses requests while the event loop lags, counts them, and takes requests again afterwards", async () => {
  const gateway = await startGateway({});
  try {
    const ask = () => gateway.get("/openapi.json");
    expect((await ask()).status).toBe(200);
    const before = await shedForLag();
    await blockTheLoop();
    const refused = await ask();
    expect([refused.status, refused.headers.get("retry-after"), await refused.json()]).toEqual([
      503,
      "2",
      expect.objectContaining({ code: "OVERLOADED" }),
    ]);
    expect(await shedForLag()).toBe(before + 1);
    const end = Date.now() + LIMIT_MS;
    while ((await ask()).status !== 200 && Date.now() < end) await pause(50);
    expect((await ask()).status).toBe(200);
  } finally {
    await gateway.stop();
  }
});
