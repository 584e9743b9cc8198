// Asks a running cluster to write nothing for a moment. Without a shop there is nobody to ask, and nothing is written anyway.
import { setTimeout as delay } from "node:timers/promises";
import type { Holder } from "../../core/backup/cut.ts";
import type { ImportConfig } from "../../core/config.ts";
import { ShopError, type Shop } from "../import/client.ts";
import { connect } from "../support/administrator.ts";

/** Long enough to look at all documents twice; every request waits for it at most so long. */
const HOLD_MS = 5_000;
/** Writes that were on their way when it began. */
const SETTLE_MS = 150;

interface ShopHolder extends Holder {
  close(): Promise<void>;
}

const nobody: ShopHolder = {
  lastsMs: Infinity,
  hold: () => delay(SETTLE_MS),
  release: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

function holderOf(shop: Shop): ShopHolder {
  let isHeld = false;
  const ask = async (ms: number): Promise<void> => {
    const answer = await shop.ask("/v1/holds", { ms });
    if (!answer.ok && ms > 0) throw new ShopError(`The shop does not hold its writes: ${answer.detail}`);
  };
  return {
    lastsMs: HOLD_MS,
    async hold() {
      await ask(HOLD_MS);
      isHeld = true;
      await delay(SETTLE_MS);
    },
    async release() {
      if (!isHeld) return;
      isHeld = false;
      await ask(0);
    },
    close: () => shop.close(),
  };
}

export async function openHolder(
  settings: ImportConfig,
  url: string | undefined,
  signal: AbortSignal,
): Promise<ShopHolder> {
  try {
    return holderOf(await connect(settings, { url, connections: 1, signal }));
  } catch (error) {
    // Whoever names an address means a shop that runs.
    if (url !== undefined || signal.aborted || !(error instanceof ShopError)) throw error;
    process.stderr.write(`backup: ${error.message}; going on without it\n`);
    return nobody;
  }
}
