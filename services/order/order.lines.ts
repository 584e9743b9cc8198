// Lines of an order: merging what was asked, choosing some of them, crediting part of them. Pure.
import type { LineSelection, OrderLine } from "../../core/contracts/order.ts";
import { refuse } from "../../core/kernel/decider.ts";
import { refusal, type ErrorCode, type FieldError, type Refusal } from "../../core/kernel/errors.ts";
import { lineAmounts, subtract, type Money } from "../../core/kernel/money.ts";

export type Selection = readonly LineSelection[];
interface Part {
  readonly lineId: string;
  readonly sku: string;
  readonly quantity: number;
}
type Chosen = { readonly ok: true; readonly lines: Part[] } | { readonly ok: false; readonly refusal: Refusal };

/** Lines of the same SKU, price and tax rate are added up; of different prices kept apart, in the order asked. */
export function mergeLines(
  asked: readonly {
    readonly sku: string;
    readonly name: string;
    readonly quantity: number;
    readonly unitPrice: Money;
    readonly taxRate: number;
  }[],
): OrderLine[] {
  const groups = Map.groupBy(asked, line => JSON.stringify([line.sku, line.unitPrice.amount, line.taxRate]));
  return [...groups.values()].flatMap((group, index) => {
    const [first] = group;
    if (first === undefined) return [];
    const quantity = group.reduce((sum, line) => sum + line.quantity, 0);
    return [{ ...first, id: String(index + 1), quantity, ...lineAmounts(first.unitPrice, quantity, first.taxRate) }];
  });
}

/** Units per line over several shipments or returns. */
export function lineQuantities(parts: readonly { readonly lines: readonly Part[] }[]): Map<string, number> {
  const quantities = new Map<string, number>();
  for (const { lineId, quantity } of parts.flatMap(part => part.lines)) {
    quantities.set(lineId, (quantities.get(lineId) ?? 0) + quantity);
  }
  return quantities;
}

export function isShippedWhole(
  lines: readonly OrderLine[],
  shipments: readonly { readonly lines: readonly Part[] }[],
): boolean {
  const shipped = lineQuantities(shipments);
  return lines.every(line => shipped.get(line.id) === line.quantity);
}

/** The asked lines by id or SKU (null: all that is left); `left` says how many units of a line may still go. */
export function selectLines(
  lines: readonly OrderLine[],
  selection: Selection | null,
  left: (line: OrderLine) => number,
  exceeded: ErrorCode,
): Chosen {
  if (selection === null) {
    const rest = lines.filter(line => left(line) > 0);
    return { ok: true, lines: rest.map(line => ({ lineId: line.id, sku: line.sku, quantity: left(line) })) };
  }
  const chosen = new Map<string, Part>();
  for (const [index, asked] of selection.entries()) {
    const found = findLine(lines, asked, index);
    if (!("id" in found)) return refuse(invalid(found));
    const quantity = asked.quantity + (chosen.get(found.id)?.quantity ?? 0);
    if (quantity > left(found)) {
      const detail = `Line ${found.id} (${found.sku}): ${String(quantity)} asked, ${String(left(found))} left`;
      return refuse(
        refusal(exceeded, detail, { errors: [{ pointer: `/lines/${String(index)}/quantity`, message: detail }] }),
      );
    }
    chosen.set(found.id, { lineId: found.id, sku: found.sku, quantity });
  }
  return { ok: true, lines: [...chosen.values()] };
}

function findLine(lines: readonly OrderLine[], asked: LineSelection, index: number): OrderLine | FieldError {
  const pointer = `/lines/${String(index)}`;
  const { lineId, sku } = asked;
  if ((lineId === undefined) === (sku === undefined)) return { pointer, message: "give either lineId or sku" };
  const matches = lines.filter(line => (lineId === undefined ? line.sku === sku : line.id === lineId));
  const [match, another] = matches;
  if (match === undefined) return { pointer, message: `the order has no line ${lineId ?? `with SKU ${String(sku)}`}` };
  if (another !== undefined)
    return { pointer: `${pointer}/sku`, message: `SKU ${match.sku} stands on several lines: name the lineId` };
  return match;
}

const invalid = (error: FieldError): Refusal =>
  refusal("VALIDATION_FAILED", `${error.pointer}: ${error.message}`, { errors: [error] });

/** The returned parts as lines at the order's price. Differences of rounded sums, so that all parts add up to the line. */
export function creditOf(
  lines: readonly OrderLine[],
  before: ReadonlyMap<string, number>,
  parts: readonly Part[],
): OrderLine[] {
  return parts.flatMap(part => {
    const line = lines.find(candidate => candidate.id === part.lineId);
    if (line === undefined) return [];
    const earlier = before.get(line.id) ?? 0;
    const until = lineAmounts(line.unitPrice, earlier + part.quantity, line.taxRate);
    const from = lineAmounts(line.unitPrice, earlier, line.taxRate);
    const amounts = {
      net: subtract(until.net, from.net),
      tax: subtract(until.tax, from.tax),
      gross: subtract(until.gross, from.gross),
    };
    return [{ ...line, quantity: part.quantity, ...amounts }];
  });
}
