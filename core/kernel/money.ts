// Money as integer minor units. Rounding is per line, half up, then summed (EN 16931).

export interface Money {
  /** Minor units: pence, cents. An integer, never a float. */
  readonly amount: number;
  /** ISO 4217. */
  readonly currency: string;
}

export interface Amounts {
  readonly net: Money;
  readonly tax: Money;
  readonly gross: Money;
}

/** @throws RangeError when the amount is not a safe integer: beyond 2^53 sums would be silently wrong. */
export function money(amount: number, currency: string): Money {
  if (!Number.isSafeInteger(amount)) throw new RangeError(`Not an amount in whole minor units: ${String(amount)}`);
  return { amount: amount + 0, currency };
}

export const zero = (currency: string): Money => money(0, currency);

export function add(left: Money, right: Money): Money {
  if (left.currency !== right.currency) throw new RangeError(`Cannot add ${left.currency} and ${right.currency}`);
  return money(left.amount + right.amount, left.currency);
}

export const negate = (value: Money): Money => money(0 - value.amount, value.currency);

export const subtract = (left: Money, right: Money): Money => add(left, negate(right));

export const multiply = (value: Money, factor: number): Money => money(value.amount * factor, value.currency);

export const sum = (values: readonly Money[], currency: string): Money => values.reduce(add, zero(currency));

/** `taxRate` in hundredths of a percent: 2000 is 20 %. Half up on the absolute value, so that a credit mirrors its sale. */
export function tax(net: Money, taxRate: number): Money {
  const exact = BigInt(Math.abs(net.amount)) * BigInt(taxRate);
  const rounded = Number((exact + 5_000n) / 10_000n);
  return money(net.amount < 0 ? 0 - rounded : rounded, net.currency);
}

export function lineAmounts(unitPrice: Money, quantity: number, taxRate: number): Amounts {
  const net = multiply(unitPrice, quantity);
  const taxed = tax(net, taxRate);
  return { net, tax: taxed, gross: add(net, taxed) };
}

/** Net; with the highest tax of 100 % it is still an amount that contracts and the safe integers hold. */
const LARGEST_NET = 4_500_000_000_000;

/** What is wrong with lines whose sum is too large to be handled; null when it is not. Asked before `lineAmounts`. */
export function beyondLargest(
  lines: readonly { readonly quantity: number; readonly unitPrice: Money }[],
): string | null {
  const net = lines.reduce((total, { quantity, unitPrice }) => total + quantity * unitPrice.amount, 0);
  return net > LARGEST_NET ? `the total is above ${String(LARGEST_NET)} minor units` : null;
}

export function sumAmounts(lines: readonly Amounts[], currency: string): Amounts {
  return {
    net: sum(
      lines.map(line => line.net),
      currency,
    ),
    tax: sum(
      lines.map(line => line.tax),
      currency,
    ),
    gross: sum(
      lines.map(line => line.gross),
      currency,
    ),
  };
}

/** Splits without losing or making a minor unit: largest remainder, ties to the earlier share. Weights are integers ≥ 0 with a sum > 0. */
export function allocate(total: Money, weights: readonly number[]): Money[] {
  const whole = weights.reduce((a, b) => a + b, 0);
  if (whole <= 0) throw new RangeError("Weights must add up to more than 0");
  const sign = total.amount < 0 ? -1 : 1;
  const size = BigInt(Math.abs(total.amount));
  const shares = weights.map((weight, index) => {
    const product = size * BigInt(weight);
    return { index, floor: Number(product / BigInt(whole)), remainder: Number(product % BigInt(whole)) };
  });
  const left = Number(size) - shares.reduce((a, share) => a + share.floor, 0);
  const first = [...shares].sort((a, b) => b.remainder - a.remainder || a.index - b.index).slice(0, left);
  const lucky = new Set(first.map(share => share.index));
  return shares.map(share => money(sign * (share.floor + (lucky.has(share.index) ? 1 : 0)), total.currency));
}
