// The numbers of orders and of their sagas.
import type { CloudEvent } from "../../core/contracts/common.ts";
import { RejectionCode } from "../../core/contracts/order.ts";
import type { HostedDatabase } from "../../core/environment.ts";
import { timestamp, type Clock } from "../../core/kernel/clock.ts";
import { countEvents } from "../../core/metrics/count-events.ts";
import { counter, gauge, histogram } from "../../core/metrics/registry.ts";
import type { StepLog } from "../../core/saga/record.ts";
import type { DocumentStore } from "../../core/store/port.ts";
import { sampledIdOf } from "../../core/tracing/traceparent.ts";
import type { Admission } from "./order.admission.ts";
import type { OrderState } from "./order.schema.ts";

const placed = counter("comptoir_orders_placed_total").labels();
const orders = counter("comptoir_orders_total");
const rejections = counter("comptoir_order_rejections_total");
/** Before the first one: a series that begins with many would hide them from Prometheus. */
for (const code of RejectionCode.enum) rejections.labels({ code });
const seconds = histogram("comptoir_saga_seconds");
const steps = counter("comptoir_saga_steps_total");
const takeovers = counter("comptoir_saga_takeovers_total").labels();
const running = gauge("comptoir_sagas_running");
const inWork = gauge("comptoir_orders_in_work");
const bound = gauge("comptoir_orders_in_work_bound");
const oldest = gauge("comptoir_saga_oldest_seconds").labels();

const MEASURE_EVERY_MS = 10_000;
/** PENDING orders looked through for the oldest: placedAt, which has an index, is long ago for imported ones. */
const PENDING = 200;

/** placedAt of an imported order is long ago; createdAt is ours. */
function ended(status: "CONFIRMED" | "REJECTED", event: CloudEvent, { createdAt }: OrderState): void {
  orders.labels({ status }).inc();
  const took = Math.max(0, Date.parse(event.time) - Date.parse(createdAt)) / 1_000;
  seconds.labels({ status }).observe(took, sampledIdOf(event.traceparent));
}

const countOrders = countEvents<OrderState>({
  "order.placed.v1": () => {
    placed.inc();
  },
  "order.confirmed.v1": (_data, event, state) => {
    ended("CONFIRMED", event, state);
  },
  "order.rejected.v1": ({ code }, event, state) => {
    ended("REJECTED", event, state);
    rejections.labels({ code }).inc();
  },
  "order.cancelled.v1": () => {
    orders.labels({ status: "CANCELLED" }).inc();
  },
  "order.shipped.v1": ({ fulfillmentStatus }) => {
    if (fulfillmentStatus === "SHIPPED") orders.labels({ status: "COMPLETED" }).inc();
  },
});

export const sagaMetrics = {
  onStep: ({ step, direction, outcome }: StepLog): void => {
    steps.labels({ step, direction, outcome }).inc();
  },
  onTakeOver: (): void => {
    takeovers.inc();
  },
};

/** One bounded round. */
async function measureOldest(store: DocumentStore<OrderState>, clock: Clock): Promise<void> {
  const { items } = await store.list({ where: { status: "PENDING" }, orderBy: "placedAt", limit: PENDING });
  const now = clock.now();
  const first = items.reduce((least, { state }) => (state.createdAt < least ? state.createdAt : least), timestamp(now));
  oldest.set(Math.max(0, now - Date.parse(first)) / 1_000);
}

interface Measured {
  readonly database: Pick<HostedDatabase, "onWritten" | "measure">;
  readonly orders: DocumentStore<OrderState>;
  readonly runner: { readonly running: number };
  readonly admission: Pick<Admission, "inWork" | "bound">;
  readonly clock: Clock;
}

export function measureOrders({ database, orders: store, runner, admission, clock }: Measured): void {
  database.onWritten(countOrders);
  database.measure(MEASURE_EVERY_MS, () => measureOldest(store, clock));
  running.onScrape(() => {
    running.labels().set(runner.running);
  });
  inWork.onScrape(() => {
    inWork.labels().set(admission.inWork);
  });
  bound.onScrape(() => {
    bound.labels().set(admission.bound);
  });
}
