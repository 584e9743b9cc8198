// Numbers: each series from 1 to what its counter says, every number once.
import type { InvoiceFacts, SeriesFacts } from "../../core/contracts/audit.ts";
import { pagesOf, type Check, type CheckTools } from "./check.ts";
import { judgeBeyond, judgeEnd, judgeNumber, type Reached } from "./invoices.domain.ts";
import type { Violation } from "./violation.ts";

export function numbersCheck({ call }: CheckTools): Check {
  const seriesFacts = async (): Promise<readonly SeriesFacts[]> => (await call("v1.billing.inspectSeries", {})).items;

  /** What is wrong with a series. Its counter is read before its numbers, and again after them. */
  async function walk(
    facts: SeriesFacts,
    page: (found: readonly (Violation | null)[], looked: number) => Promise<void>,
  ): Promise<void> {
    const { series } = facts;
    let reached: Reached = new Map();
    const judge = (invoice: InvoiceFacts): Violation | null => {
      const judged = judgeNumber(facts, reached, invoice);
      reached = judged.reached;
      return judged.found;
    };
    for await (const invoices of pagesOf(from => call("v1.billing.inspectInvoices", { series, ...from })))
      await page(invoices.map(judge), invoices.length);
    const now = (await seriesFacts()).find(each => each.series === series) ?? facts;
    await page([...judgeEnd(facts, reached), judgeBeyond(now, reached)], 0);
  }

  return {
    name: "numbers",
    async scan(round) {
      for (const facts of await seriesFacts()) await walk(facts, (found, looked) => round.page(found, looked));
    },
    /** The whole series again: what is wrong with one number shows in its neighbours. */
    async look(subject) {
      let seen: Violation | null = null;
      const facts = (await seriesFacts()).find(({ series }) => subject.startsWith(`series:${series}:`));
      if (facts === undefined) return null;
      await walk(facts, found => {
        seen = found.find(each => each?.subject === subject) ?? seen;
        return Promise.resolve();
      });
      return seen;
    },
  };
}
