// A check walks over the shop's documents page by page, and looks a second time at what it suspects.
import type { CheckName } from "../../core/contracts/audit.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import type { Call } from "../../core/request.ts";
import type { Folds } from "./folding.ts";
import type { Violation } from "./violation.ts";

export interface Round {
  /** What looks wrong at first sight, and how many objects were looked at. Resolves after the pause that is due then. */
  page(found: readonly (Violation | null)[], looked: number): Promise<void>;
}

export interface Check {
  readonly name: CheckName;
  /** One walk over everything. @throws when a service cannot be asked */
  scan(round: Round): Promise<void>;
  /** The subject again, both sides read anew; null when nothing is wrong with it. */
  look(subject: string, until: number | null): Promise<Violation | null>;
}

export interface CheckTools {
  readonly call: Call;
  readonly folds: Folds;
  readonly clock: Clock;
}

/** Where a page begins. */
export interface From {
  readonly after?: string;
  readonly limit: number;
}

export interface PageOf<F> {
  readonly items: readonly F[];
  readonly next: string | null;
}

/** Documents per page: some milliseconds of a service's time. */
export const PAGE = 100;

export async function* pagesOf<F>(ask: (from: From) => Promise<PageOf<F>>): AsyncIterable<readonly F[]> {
  let after: string | null = null;
  do {
    const page: PageOf<F> = await ask({ limit: PAGE, ...(after === null ? {} : { after }) });
    yield page.items;
    after = page.next;
  } while (after !== null);
}

export const byId = <F extends { readonly id: string }>(items: readonly F[]): Map<string, F> =>
  new Map(items.map(item => [item.id, item]));
