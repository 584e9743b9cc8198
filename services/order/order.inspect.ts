// What order tells the audit: each order's state, and those that should have ended.
import { inspections, type OrderFacts, type Overdue } from "../../core/contracts/audit.ts";
import { documentFacts, inspect, waitingIn, type Looked } from "../../core/inspection.ts";
import { timestamp } from "../../core/kernel/clock.ts";
import { implement, type HandlersOf } from "../../core/service.ts";
import type { DocumentStore, Versioned } from "../../core/store/port.ts";
import type { OrderState } from "./order.schema.ts";

/** Each way to be overdue shows at most so many; more would say the same. */
const MOST = 100;
/** PENDING orders looked through for one that is too old: more than run at a time. */
const PENDING = 500;

function factsOf(looked: Looked<OrderState>): OrderFacts {
  const { status, createdAt, totals, saga } = looked.document.state;
  return { ...documentFacts(looked), status, createdAt, gross: totals.gross.amount, sagaDueAt: saga.dueAt };
}

const overdueSaga = ({ id, state }: Versioned<OrderState>): Overdue => ({
  subject: `saga:${id}`,
  since: timestamp(state.saga.dueAt ?? 0),
  detail: `The saga of order ${id} (${state.status}, ${state.saga.direction}) waits to be taken over`,
});

const overduePending = ({ id, state }: Versioned<OrderState>): Overdue => ({
  subject: `order:${id}`,
  since: state.createdAt,
  detail: `Order ${id} is still PENDING (step ${String(state.saga.cursor)}, ${state.saga.direction})`,
});

export function orderInspection(orders: DocumentStore<OrderState>) {
  const handlers: HandlersOf<typeof inspections.order> = {
    "v1.order.inspect": asked => inspect(orders, asked, factsOf),

    "v1.order.overdue": async ({ dueBefore, createdBefore }) => {
      const [late, open] = await Promise.all([
        orders.list({ where: { "saga.dueAt": { lt: dueBefore } }, orderBy: "saga.dueAt", limit: MOST }),
        // placedAt of an imported order is long ago; createdAt is ours.
        orders.list({ where: { status: "PENDING" }, orderBy: "placedAt", limit: PENDING }),
      ]);
      const limit = timestamp(createdBefore);
      const old = open.items.filter(({ state }) => state.createdAt < limit).slice(0, MOST);
      return { items: [...late.items.map(overdueSaga), ...old.map(overduePending)] };
    },

    "v1.order.waiting": waitingIn(orders),
  };
  return implement(inspections.order, handlers);
}
