// All documents of many databases as they were at one moment, read while others write: whoever reads all versions twice and finds
// the same ones knows that nothing was written from the end of the first reading to the begin of the second (ADR 21).
import { StartupError } from "../startup-error.ts";
import { entriesBeside, isEntries, type MongoDump, type Place } from "../store/mongo-dump.ts";
import type { WorkingSet } from "./working-set.ts";

/** Documents fetched at once. */
const BATCH = 200;
/** Pairs of readings, the first of them without holding anything. */
const ATTEMPTS = 12;

export interface Holder {
  /** Asks the shop to write nothing for a while; resolves when it was told, if it could be. */
  hold(): Promise<void>;
  release(): Promise<void>;
  /** How long a hold lasts at most, in ms. */
  readonly lastsMs: number;
}

export interface CutOptions<M> {
  readonly dump: Pick<MongoDump, "places" | "documents" | "versions" | "whole">;
  readonly set: WorkingSet;
  readonly holder: Holder;
  /** Runs within the moment. */
  readonly mark: () => Promise<M>;
  readonly signal: AbortSignal;
}

async function documentPlaces({ dump }: Pick<CutOptions<unknown>, "dump">): Promise<Place[]> {
  return (await dump.places()).filter(place => !isEntries(place));
}

/** Documents before entries: an entry that was read is then never older than its document allows. */
async function copyAll({ dump, set, signal }: Pick<CutOptions<unknown>, "dump" | "set" | "signal">): Promise<void> {
  const places = await dump.places();
  for (const place of places.toSorted((a, b) => Number(isEntries(a)) - Number(isEntries(b)))) {
    for await (const document of dump.documents(place)) {
      signal.throwIfAborted();
      set.put(place, document);
    }
  }
}

/** Brings the set to what is stored now. */
async function refresh({ dump, set, signal }: CutOptions<unknown>): Promise<void> {
  for (const place of await documentPlaces({ dump })) {
    let [stale, seen]: [string[], number] = [[], 0];
    for await (const found of dump.versions(place)) {
      seen += 1;
      if (!set.has(place, found)) stale.push(found.id);
    }
    signal.throwIfAborted();
    for (; stale.length > 0; stale = stale.slice(BATCH))
      set.replace(place, await dump.whole(place, stale.slice(0, BATCH)));
    // Nothing is ever deleted by the shop; somebody else did.
    if (set.count(place) > seen) for (const each of [place, entriesBeside(place)]) set.forget(each);
  }
}

async function isUnchanged({ dump, set }: CutOptions<unknown>): Promise<boolean> {
  for (const place of await documentPlaces({ dump })) {
    let seen = 0;
    for await (const found of dump.versions(place)) {
      seen += 1;
      if (!set.has(place, found)) return false;
    }
    if (seen !== set.count(place)) return false;
  }
  return true;
}

/** A hold that is too short will be too short again, and each costs the shop its writes for as long. */
function requireTime({ holder }: CutOptions<unknown>, begun: number): void {
  if (performance.now() - begun <= holder.lastsMs) return;
  throw new StartupError(
    `looking at all documents twice takes longer than the ${String(holder.lastsMs / 1000)} s for which a shop holds its writes: stop the gateways for a moment`,
  );
}

/**
 * Fills the set. @returns what `mark` said within the moment that the set shows
 * @throws StartupError when something was written all the time
 */
export async function takeCut<M>(options: CutOptions<M>): Promise<M> {
  await copyAll(options);
  await refresh(options);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const begun = performance.now();
    try {
      if (attempt > 1) await options.holder.hold();
      await refresh(options);
      const marked = await options.mark();
      if (await isUnchanged(options)) return marked;
      if (attempt > 1) requireTime(options, begun);
    } finally {
      await options.holder.release();
    }
  }
  throw new StartupError(
    "documents were written all the time: start the service backup, whose hold keeps writes back, or stop the gateways for a moment",
  );
}
