// Events of the audit's own, sent through the same log: when one has arrived, what was sent before it has arrived too,
// or never will.
import { timestamp, type Clock } from "../../core/kernel/clock.ts";
import { keep, write, type DocumentStore } from "../../core/store/port.ts";
import { PROBE_ID, type Probe } from "./audit.schema.ts";
import { seqOf } from "./fold.domain.ts";
import type { Folds } from "./folding.ts";
import { violation, type Violation } from "./violation.ts";

const AGGREGATE = `audit:${PROBE_ID}`;
/** Longer than a consumer that died keeps its partitions. */
const LATE_MS = 45_000;

export interface Probes {
  /** The number of the probe that was sent; null while an earlier one is on its way: one at a time shows how long it takes. */
  send(): Promise<number | null>;
  hasArrived(probe: number): Promise<boolean>;
  /** The log does not deliver to the audit. */
  late(): Promise<Violation | null>;
}

export function createProbes(probes: DocumentStore<Probe>, folds: Folds, clock: Clock): Probes {
  const arrived = async (): Promise<number> => seqOf((await folds.load(AGGREGATE))?.state ?? null, AGGREGATE);
  return {
    async send() {
      const last = await arrived();
      const at = timestamp(clock.now());
      const { result } = await probes.update(PROBE_ID, current => {
        const sent = current?.seq ?? 0;
        return sent > last ? keep(null) : write({ at }, [{ type: "audit.probed.v1", data: { at } }], sent + 1);
      });
      return result;
    },
    hasArrived: async probe => (await arrived()) >= probe,
    async late() {
      const probe = await probes.load(PROBE_ID);
      const before = timestamp(clock.now() - LATE_MS);
      if (probe === null || probe.state.at >= before || (await arrived()) >= probe.seq) return null;
      return violation({
        check: "events",
        severity: "warning",
        subject: "delivery:audit",
        detail: "The log delivers no events to the audit: what depends on them is not checked",
        expected: `probe ${String(probe.seq)} within ${String(LATE_MS / 1000)} s`,
        actual: `sent at ${probe.state.at}`,
      });
    },
  };
}
