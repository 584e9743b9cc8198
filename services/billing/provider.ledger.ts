// The simulator's ledger as the provider shows it.
import type { DocumentStore, Versioned } from "../../core/store/port.ts";
import type { LedgerLine, ProviderLedger } from "./provider.port.ts";
import type { LedgerEntry } from "./provider.simulator.ts";

const lineOf = ({ id: key, state }: Versioned<LedgerEntry>): LedgerLine[] => {
  const { type, amount, at } = state;
  return type === "CAPTURE" || type === "REFUND"
    ? [{ key, type, amount, approved: state.state === "APPROVED", at }]
    : [];
};

export const simulatedLedger = (ledger: DocumentStore<LedgerEntry>): ProviderLedger => ({
  async page({ type, after, limit }) {
    const from = after === undefined ? {} : { after: [type, after] as const };
    const { items, next } = await ledger.list({ where: { type }, orderBy: "type", limit, ...from });
    return { items: items.flatMap(lineOf), next: next?.[1] ?? null };
  },
  linesOf: async keys => (await ledger.loadMany(keys)).flatMap(lineOf),
});
