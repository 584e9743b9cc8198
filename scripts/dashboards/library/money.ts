// Amounts are counted in minor units; people read major ones.
import { matching, notMatching, type Pattern } from "./promql.ts";

/** ISO 4217: currencies whose minor unit is not a hundredth. */
const digits: Readonly<Record<string, readonly string[]>> = {
  "0": "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(" "),
  "3": "BHD IQD JOD KWD LYD OMR TND".split(" "),
  "4": "CLF UYW".split(" "),
};

/** @param of the series of some currencies, in minor units. @returns those of all, in major units */
export function major(of: (currency: Pattern) => string): string {
  const others = Object.values(digits).flat().join("|");
  const exceptions = Object.entries(digits).map(([places, codes]) => {
    const minor = of(matching(codes.join("|")));
    return places === "0" ? minor : `${minor} / ${String(10 ** Number(places))}`;
  });
  return [`${of(notMatching(others))} / 100`, ...exceptions].join(" or ");
}
