// The actions of the order service: parse → decide → persist.
import { commandId, customerOf, maySee, type Request } from "../../core/request.ts";
import { fingerprintOf, keyReused } from "../../core/commands.ts";
import type { Keyed } from "../../core/contracts/common.ts";
import type { Order, orderActions } from "../../core/contracts/order.ts";
import { fail, isError, toError } from "../../core/errors.ts";
import { timestamp, type Clock } from "../../core/kernel/clock.ts";
import type { Random } from "../../core/kernel/random.ts";
import { listPage } from "../../core/paging.ts";
import type { subscriber } from "../../core/reactions.ts";
import type { HandlersOf } from "../../core/service.ts";
import {
  keep,
  refuseWith,
  write,
  type DocumentStore,
  type Range,
  type Scalar,
  type Versioned,
} from "../../core/store/port.ts";
import type { Admission } from "./order.admission.ts";
import { applied } from "./order.changes.ts";
import type { OrderCommand } from "./order.domain.ts";
import { checkOrder, newOrder } from "./order.place.ts";
import type { Runner } from "./order.runner.ts";
import type { OrderState } from "./order.schema.ts";
import { orderView, timelineOf } from "./order.view.ts";

export interface OrderDependencies {
  readonly orders: DocumentStore<OrderState>;
  readonly admission: Admission;
  readonly runner: Runner;
  readonly reactions: ReturnType<typeof subscriber>;
  readonly clock: Clock;
  readonly random: Random;
  readonly leaseMs: number;
}

export function orderHandlers(deps: OrderDependencies): HandlersOf<typeof orderActions> {
  return { ...queries(deps), ...commands(deps) };
}

function queries({ orders, reactions }: OrderDependencies) {
  return {
    "v1.order.get": async ({ id }, request) => orderView(await loadVisible(orders, id, request)),

    "v1.order.timeline": async ({ id }, request) => {
      const { state } = await loadVisible(orders, id, request);
      return { items: timelineOf(state), nextCursor: null };
    },

    "v1.order.list": async ({ customerId, status, placedFrom, placedTo, ...page }, request) => {
      const own = customerOf(request.principal);
      if (own !== null && customerId !== undefined && customerId !== own) return { items: [], nextCursor: null };
      const whose = own ?? customerId;
      const where: Record<string, Scalar | Range> = {
        ...(whose === undefined ? {} : { customerId: whose }),
        ...(status === undefined ? {} : { status }),
        ...periodOf(placedFrom, placedTo),
      };
      return listPage(orders, { where, orderBy: "placedAt", direction: "desc" }, page, orderView);
    },

    "v1.order.react": (params, request) => reactions.react(params, request),
    "v1.order.park": params => reactions.park(params),
  } satisfies Partial<HandlersOf<typeof orderActions>>;
}

function commands(deps: OrderDependencies) {
  const { clock, random } = deps;
  const left = (request: Request) => ({ id: commandId(request, () => random.id()), at: timestamp(clock.now()) });

  return {
    "v1.order.place": (params, request) => place(deps, params, request),

    "v1.order.cancel": ({ id, reason }, request) =>
      command(deps, id, left(request).id, { type: "cancel", reason }, request),

    "v1.order.ship": ({ id, lines = null, trackingNumber = null }, request) => {
      const made = left(request);
      return command(deps, id, made.id, { type: "ship", ...made, lines, trackingNumber }, request);
    },

    "v1.order.return": ({ id, number = null, returnedAt = null, ...rest }, request) => {
      const made = left(request);
      return command(deps, id, made.id, { type: "return", ...made, ...rest, number, returnedAt }, request);
    },
  } satisfies Partial<HandlersOf<typeof orderActions>>;
}

async function loadVisible(
  orders: DocumentStore<OrderState>,
  id: string,
  { principal }: Request,
): Promise<Versioned<OrderState>> {
  const document = await orders.load(id);
  if (document === null || !maySee(principal, document.state.customerId))
    throw fail("ORDER_NOT_FOUND", `There is no order ${id}`);
  return document;
}

function periodOf(from: string | undefined, to: string | undefined): { placedAt?: Range } {
  if (from === undefined && to === undefined) return {};
  const utc = (moment: string) => timestamp(Date.parse(moment));
  return {
    placedAt: { ...(from === undefined ? {} : { gte: utc(from) }), ...(to === undefined ? {} : { lte: utc(to) }) },
  };
}

async function place(
  deps: OrderDependencies,
  params: Parameters<typeof newOrder>[1],
  request: Request,
): Promise<Keyed<Order>> {
  const { orders, runner, random } = deps;
  const id = commandId(request, () => random.id());
  const seen = await orders.load(id);
  if (seen !== null) return answer(runner, seen, request, true);
  const { document, made } = await admitted(deps, id, params, request);
  return answer(runner, document, request, !made);
}

/** What is made here is in work until its saga has ended. */
async function admitted(
  deps: OrderDependencies,
  id: string,
  params: Parameters<typeof newOrder>[1],
  request: Request,
): Promise<{ document: Versioned<OrderState>; made: boolean }> {
  const work = deps.admission.admit();
  let isRunning = false;
  try {
    const placed = await make(deps, id, params, request);
    isRunning = placed.made && placed.document.state.saga.dueAt !== null;
    if (isRunning) deps.runner.run(placed.document, request.accepted, work);
    return placed;
  } finally {
    if (!isRunning) work.left();
  }
}

/** `made` false: another request with this key was quicker. */
async function make(
  { orders, clock, leaseMs }: OrderDependencies,
  id: string,
  params: Parameters<typeof newOrder>[1],
  request: Request,
): Promise<{ document: Versioned<OrderState>; made: boolean }> {
  orders.admit();
  const checked = await checkOrder(params, request);
  const fresh = newOrder(id, params, checked, { now: clock.now(), leaseMs, request });
  const { document, result: made } = await orders
    .update(id, current => (current === null ? write(fresh.state, fresh.events, true) : keep(false)), {
      admission: true,
      expectsNew: true,
      deadline: request.deadline,
    })
    .catch((error: unknown) => {
      throw isError(error, "DUPLICATE")
        ? fail("ORDER_NUMBER_EXISTS", `Another order has the number ${fresh.state.number}`)
        : error;
    });
  if (document === null) throw fail("ORDER_NOT_FOUND", `There is no order ${id}`);
  return { document, made };
}

/** The order as it is now, after the wait the client asked for. */
async function answer(
  runner: Runner,
  document: Versioned<OrderState>,
  request: Request,
  replayed: boolean,
): Promise<Keyed<Order>> {
  const reused = replayed ? keyReused(document.state.fingerprint, request) : null;
  if (reused !== null) throw toError(reused);
  const final = document.state.status === "PENDING" ? await runner.settled(document.id, request.wait) : document;
  return { replayed, resource: orderView(final ?? document) };
}

/** `left` is the command's own id: it stays in the order with its fingerprint, so that a repeat changes nothing. */
async function command(
  deps: OrderDependencies,
  orderId: string,
  left: string,
  asked: OrderCommand,
  request: Request,
): Promise<Keyed<Order>> {
  const { orders, clock, runner } = deps;
  await loadVisible(orders, orderId, request);
  const { document, result: replayed } = await orders.update(orderId, current => {
    if (current === null) return keep(false);
    const { state } = current;
    const before = state.commands[left];
    if (before !== undefined) {
      const reused = keyReused(before, request);
      return reused === null ? keep(true) : refuseWith(reused);
    }
    const kept: OrderState = { ...state, commands: { ...state.commands, [left]: fingerprintOf(request) } };
    if (asked.type === "cancel" && state.status === "PENDING")
      return write({ ...kept, cancel: { reason: asked.reason } }, [], false);
    const change = applied(orderId, asked, kept, timestamp(clock.now()));
    return change.ok ? write(change.state, change.events, false) : refuseWith(change.refusal);
  });
  if (document === null) throw fail("ORDER_NOT_FOUND", `There is no order ${orderId}`);
  const final = document.state.status === "PENDING" ? await runner.settled(orderId, request.wait) : document;
  return { replayed, resource: orderView(final ?? document) };
}
