// What events change in the stock. Each SKU of an event is a document of its own and keyed by what happened to it, so
// an event that comes again, or half of which was done, changes nothing twice.
import type { Reaction, Reactions } from "../../core/reactions.ts";
import { change, moveOnce, open, type Items } from "./inventory.items.ts";
import { decideRestock, returnMovementId, saleId } from "./movement.domain.ts";
import { decideRelease, decideSell } from "./reservation.domain.ts";

interface Line {
  readonly sku: string | null;
  readonly quantity: number;
}

/** SKUs of one event that are changed at the same time. */
const WIDTH = 16;

/** Once per SKU with the units of all its lines, in SKU order. */
async function perSku(lines: readonly Line[], task: (sku: string, quantity: number) => Promise<unknown>) {
  const units = new Map<string, number>();
  for (const { sku, quantity } of lines) if (sku !== null) units.set(sku, (units.get(sku) ?? 0) + quantity);
  const skus = [...units].sort(([a], [b]) => (a < b ? -1 : 1));
  for (let first = 0; first < skus.length; first += WIDTH)
    await Promise.all(skus.slice(first, first + WIDTH).map(([sku, quantity]) => task(sku, quantity)));
}

const causedAt = ({ time }: { readonly time: string }): number => Date.parse(time);

function restock(
  deps: Items,
  event: { readonly time: string },
  returned: { readonly orderId: string | null; readonly returnId: string },
  lines: readonly Line[],
) {
  return perSku(lines, (sku, quantity) => {
    const about = { movementId: returnMovementId(returned.returnId, sku), causedAt: causedAt(event) };
    return moveOnce(deps, sku, about, seen => decideRestock(seen, { ...returned, quantity }));
  });
}

export function goodsReactions(deps: Items): Reactions {
  const known: Reaction<"product.created.v1" | "product.changed.v1"> = async ({ data: { sku } }) => {
    await open(deps, sku);
  };
  return {
    "product.created.v1": known,
    "product.changed.v1": known,

    "order.shipped.v1": event => {
      const { orderId, shipment } = event.data;
      return perSku(shipment.lines, (sku, quantity) => {
        const about = { orderId, movementId: saleId(shipment.id, sku), causedAt: causedAt(event) };
        return moveOnce(deps, sku, about, seen => decideSell(seen, { orderId, shipmentId: shipment.id, quantity }));
      });
    },

    "order.cancelled.v1": ({ data: { orderId, lines } }) =>
      perSku(lines, sku => change(deps, sku, { orderId }, seen => decideRelease(seen, { orderId }))),

    "order.returned.v1": async event => {
      const { orderId, return: returned } = event.data;
      if (returned.restock) await restock(deps, event, { orderId, returnId: returned.id }, returned.lines);
    },

    /** A credit note for an order has its goods in order.returned. */
    "creditnote.issued.v1": async event => {
      const { id: returnId, orderId, lines, restock: isRestocked } = event.data;
      if (isRestocked && orderId === null) await restock(deps, event, { orderId, returnId }, lines);
    },
  };
}
