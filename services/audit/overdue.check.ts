// Overdue: orders, sagas, provider questions and drafts that are older than they may be.
import type { Overdue } from "../../core/contracts/audit.ts";
import type { Check, CheckTools } from "./check.ts";
import { violation, type Violation } from "./violation.ts";

/** Milliseconds. */
export interface Patience {
  /** Since a saga's lease ended: any process's sweep takes it over within seconds. */
  readonly saga: number;
  /** Since an order was placed: its reservation's life, a lease and some air. */
  readonly pending: number;
  /** Since billing was to ask the provider again, or drafted a document. */
  readonly billing: number;
}

const toViolation = ({ subject, since, detail }: Overdue): Violation =>
  violation({
    check: "overdue",
    severity: "warning",
    subject,
    detail,
    expected: "ended by now",
    actual: `since ${since}`,
  });

export function overdueCheck({ call, clock }: CheckTools, patience: Patience): Check {
  const find = async (): Promise<Violation[]> => {
    const now = clock.now();
    const found = await Promise.all([
      call("v1.order.overdue", { dueBefore: now - patience.saga, createdBefore: now - patience.pending }),
      call("v1.billing.overdue", { dueBefore: now - patience.billing }),
    ]);
    return found.flatMap(({ items }) => items).map(toViolation);
  };
  return {
    name: "overdue",
    async scan(round) {
      const found = await find();
      await round.page(found, found.length);
    },
    look: async subject => (await find()).find(found => found.subject === subject) ?? null,
  };
}
