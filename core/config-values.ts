// What a setting's text may be: parsers that answer with the value, or with what would have been right.
import proxyAddr from "proxy-addr";

type Parsed<T> = { readonly value: T } | { readonly problem: string };
export type Parse<T> = (text: string) => Parsed<T>;

export const integer =
  (least: number, most: number): Parse<number> =>
  text => {
    const value = Number(text);
    if (/^\d{1,15}$/.test(text) && value >= least && value <= most) return { value };
    return { problem: `must be a whole number from ${String(least)} to ${String(most)}` };
  };

export const oneOf =
  <T extends string>(allowed: readonly T[]): Parse<T> =>
  text => {
    const value = allowed.find(candidate => candidate === text);
    return value === undefined ? { problem: `must be one of ${allowed.join(", ")}` } : { value };
  };

export const matching =
  (pattern: RegExp, what: string): Parse<string> =>
  text =>
    pattern.test(text) ? { value: text } : { problem: `must be ${what}` };

/** Comma separated; the answer is in the order of `allowed`, each once. */
export const listOf =
  (allowed: readonly string[]): Parse<readonly string[]> =>
  text => {
    const asked = text.split(",").map(item => item.trim());
    const [unknown] = asked.filter(item => !allowed.includes(item));
    if (unknown === undefined) return { value: allowed.filter(item => asked.includes(item)) };
    const hint = `did you mean ${nearest(unknown, allowed)}?`;
    return { problem: `"${unknown}" is not known, ${hint} Allowed, comma separated: ${allowed.join(", ")}` };
  };

const MOST_HOPS = 16;

/** A number of hops, or addresses and networks (CIDR), comma separated. */
export const proxies: Parse<number | readonly string[]> = text => {
  if (/^\d{1,2}$/.test(text) && Number(text) <= MOST_HOPS) return { value: Number(text) };
  const networks = text.split(",").map(item => item.trim());
  try {
    proxyAddr.compile(networks);
    return { value: networks };
  } catch {
    return { problem: `must be a number of hops (0 to ${String(MOST_HOPS)}), or networks like 10.0.0.0/8,fd00::/8` };
  }
};

/** Edits that make one text of another (Levenshtein, 1965). */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [i, left] of Array.from(from).entries()) {
    const next = [i + 1];
    for (const [j, right] of Array.from(to).entries()) {
      const replaced = (row[j] ?? 0) + (left === right ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}

export const nearest = (name: string, candidates: readonly string[]): string =>
  [...candidates].sort((a, b) => distance(name, a) - distance(name, b))[0] ?? "";
