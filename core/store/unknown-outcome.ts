// After a write whose outcome is unknown: looks until it is known, and writes again only what surely was not written.
import type { Clock } from "../kernel/clock.ts";
import { backoff, type Random } from "../kernel/random.ts";
import { REMEMBERED_WRITES } from "./decide-batch.ts";
import type { Driver, StoredDocument, Write, WriteOutcome } from "./driver.ts";

const ATTEMPTS = 8;
const PAUSE = { base: 20, cap: 1_000 };

type Finding = "unchanged" | "written" | "lost" | "forgotten";

/** What became of a write, by the ids that the document remembers. */
export function recognise(
  document: Pick<StoredDocument, "version" | "writes"> | null,
  { document: ours, expected }: Write,
): Finding {
  if ((document?.version ?? 0) === expected) return "unchanged";
  const writes = document?.writes ?? [];
  const writeId = ours.writes.at(-1)?.[1];
  if (writes.some(([, id]) => id === writeId)) return "written";
  const oldest = writes[0]?.[0] ?? 0;
  return writes.length < REMEMBERED_WRITES || oldest <= expected ? "lost" : "forgotten";
}

/** Null when it cannot be told. A late first attempt cannot be written after the second: both expect the same version. */
export async function settleUnknown(
  driver: Driver,
  write: Write,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Promise<WriteOutcome | null> {
  let refused: WriteOutcome | null = null;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    try {
      const [loaded] = await driver.read([{ id: write.document.id, keys: [], dueBy: null }]);
      const finding = recognise(loaded?.document ?? null, write);
      if (finding === "written") return { kind: "written" };
      if (finding === "lost") return { kind: "conflict" };
      if (finding === "forgotten") return null;
      if (refused !== null) return refused;
      const [outcome] = await driver.write([write]);
      if (outcome?.kind === "written") return outcome;
      // What stood in the way may be our own first attempt, arrived late: look again.
      if (outcome?.kind === "duplicate") refused = outcome;
    } catch {
      // Still unknown: the next look tells.
    }
    await clock.sleep(backoff(attempt, random, PAUSE));
  }
  return null;
}
