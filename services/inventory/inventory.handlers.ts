// What inventory answers.
import { fingerprintOf, keyReused } from "../../core/commands.ts";
import type { inventoryActions } from "../../core/contracts/inventory.ts";
import { refusal } from "../../core/kernel/errors.ts";
import type { Random } from "../../core/kernel/random.ts";
import { listPage } from "../../core/paging.ts";
import type { subscriber } from "../../core/reactions.ts";
import { commandId, type Request } from "../../core/request.ts";
import type { HandlersOf } from "../../core/service.ts";
import { keep, refuseWith, write, type DocumentStore, type Versioned } from "../../core/store/port.ts";
import type { Stock } from "./inventory.domain.ts";
import { change, itemOf, moveOnce, projectedSeq, type Items } from "./inventory.items.ts";
import { movementView, stockView, type Claim } from "./inventory.schema.ts";
import { commandMovementId, decideAdjust, decideReceive } from "./movement.domain.ts";
import { decideCommit, decideRelease, decideReserve } from "./reservation.domain.ts";

export interface InventoryDeps extends Items {
  readonly claims: DocumentStore<Claim>;
  readonly reactions: ReturnType<typeof subscriber>;
  readonly random: Random;
}

export const inventoryHandlers = (deps: InventoryDeps): HandlersOf<typeof inventoryActions> => ({
  ...queries(deps),
  ...goods(deps),
  ...reservations(deps),
});

function queries(deps: InventoryDeps) {
  const { items, movements, reactions } = deps;
  return {
    "v1.inventory.get": async ({ sku }, request) => stockView(await itemOf(deps, sku, request, notStocked)),

    "v1.inventory.movements": async ({ sku, ...page }, request) => {
      const item = await itemOf(deps, sku, request, notStocked);
      if (page.cursor === undefined) await projected(deps, item, request.wait);
      return listPage(movements, { where: { sku }, orderBy: "seq", direction: "desc" }, page, movementView);
    },

    "v1.inventory.admit": () =>
      new Promise(resolve => {
        items.admit();
        resolve({});
      }),

    "v1.inventory.react": (params, request) => reactions.react(params, request),
    "v1.inventory.park": params => reactions.park(params),
  } satisfies Partial<HandlersOf<typeof inventoryActions>>;
}

function goods(deps: InventoryDeps) {
  return {
    "v1.inventory.receive": async ({ sku, quantity, reason = null }, request) => {
      const claim = await claimed(deps, sku, request);
      const receipt = { movementId: claim.movementId, quantity, reason };
      return moveOnce(deps, sku, claim, seen => decideReceive(seen, receipt), newWork(request));
    },

    "v1.inventory.adjust": async ({ sku, quantity, reason }, request) => {
      const claim = await claimed(deps, sku, request);
      const adjustment = { movementId: claim.movementId, quantity, reason };
      return moveOnce(deps, sku, claim, seen => decideAdjust(seen, adjustment), newWork(request));
    },
  } satisfies Partial<HandlersOf<typeof inventoryActions>>;
}

function reservations(deps: InventoryDeps) {
  return {
    "v1.inventory.reserve": ({ orderId, sku, quantity }, request) =>
      change(deps, sku, { orderId }, seen => decideReserve(seen, { orderId, quantity }), newWork(request)),

    "v1.inventory.commit": async ({ orderId, sku }, { deadline }) => {
      await change(deps, sku, { orderId }, seen => decideCommit(seen, { orderId }), { deadline });
      return {};
    },

    "v1.inventory.release": async ({ orderId, sku }, { deadline }) => {
      await change(deps, sku, { orderId }, seen => decideRelease(seen, { orderId }), { deadline });
      return {};
    },
  } satisfies Partial<HandlersOf<typeof inventoryActions>>;
}

const newWork = ({ deadline }: Request) => ({ admission: true, deadline });

const notStocked = (sku: string) =>
  refusal("STOCK_ITEM_NOT_FOUND", `There is no stock item ${sku}: SKUs are case-sensitive`);
const notSold = (sku: string) =>
  refusal("PRODUCT_NOT_FOUND", `No product has SKU ${sku}: add the product first; SKUs are case-sensitive`);

/**
 * The id of the movement that this command makes, and when the key was claimed, which is long ago for one that was claimed
 * before. The key is bound to the request first, in a document of its own: the
 * item of another SKU would not know that it was used.
 * @throws PRODUCT_NOT_FOUND; IDEMPOTENCY_KEY_REUSED
 */
async function claimed(deps: InventoryDeps, sku: string, request: Request) {
  await itemOf(deps, sku, request, notSold);
  const id = commandId(request, () => deps.random.id());
  const { result: causedAt } = await deps.claims.update<number>(
    id,
    (current, _entries, now) => {
      if (current === null) return write({ fingerprint: fingerprintOf(request) }, [], now);
      const reused = keyReused(current.state.fingerprint, request);
      return reused === null ? keep(0) : refuseWith(reused);
    },
    { expectsNew: true },
  );
  return { movementId: commandMovementId(id), causedAt };
}

const POLL_MS = 20;

/**
 * Waits until the item's movements are in the projection, which its own events fill a moment later; not longer than
 * the caller wants to. Merging in what is not projected yet would leave holes for the next page to miss.
 */
async function projected({ progress, clock }: InventoryDeps, { id: sku, seq }: Versioned<Stock>, wait: number) {
  const until = clock.now() + wait;
  while ((await projectedSeq(progress, sku)) < seq && clock.now() < until) await clock.sleep(POLL_MS);
}
