// Stock: each item's counts against its reservations, and against what the log says at the very same event.
import type { StockFacts } from "../../core/contracts/audit.ts";
import { judgeArrival } from "./arrival.domain.ts";
import { byId, pagesOf, type Check, type CheckTools, type Round } from "./check.ts";
import { seqOf, type Fold } from "./fold.domain.ts";
import { watch } from "./folding.ts";
import { countsAt, judgeStock } from "./stock.domain.ts";
import { partsOf, type Violation } from "./violation.ts";

type Found = Violation | null;

const aggregateOf = ({ id }: Pick<StockFacts, "id">): string => `stock:${id}`;

/** Second looks at an item that never stands still, each a moment after the other. */
const TRIES = 20;
const TRY_MS = 50;

class StockCheck implements Check {
  readonly name = "stock";
  readonly #tools: CheckTools;
  /** Items that were ahead of the log: their counts at that number are compared when it has come there. */
  readonly #ahead = new Map<string, StockFacts>();

  constructor(tools: CheckTools) {
    this.#tools = tools;
  }

  async scan(round: Round): Promise<void> {
    await round.page(await this.#judgeAhead(), 0);
    for await (const items of pagesOf(from => this.#tools.call("v1.inventory.inspect", from)))
      await round.page(await this.#judgePage(items), items.length);
  }

  async look(subject: string): Promise<Found> {
    const { call, folds, clock } = this.#tools;
    const [, sku] = partsOf(subject);
    for (let tries = 1; ; tries += 1) {
      const [facts] = (await call("v1.inventory.inspect", { ids: [sku] })).items;
      if (facts === undefined) return null;
      await watch(folds, subject, facts.seq);
      await clock.sleep(TRY_MS);
      const fold = (await folds.load(subject))?.state ?? null;
      const found = judgeStock(facts, fold);
      if (found !== null || tries === TRIES || countsAt(fold, subject, facts.seq) !== null) return found;
    }
  }

  async #judgePage(items: readonly StockFacts[]): Promise<Found[]> {
    const foldOf = await this.#foldsOf(items);
    const ahead = items.filter(facts => seqOf(foldOf(facts), aggregateOf(facts)) < facts.seq);
    for (const facts of ahead) this.#ahead.set(facts.id, facts);
    await Promise.all(ahead.map(facts => watch(this.#tools.folds, aggregateOf(facts), facts.seq)));
    return items.flatMap(facts => {
      const fold = foldOf(facts);
      return [judgeStock(facts, fold), judgeArrival(aggregateOf(facts), facts, fold, null)];
    });
  }

  /** Those that the log has reached meanwhile. */
  async #judgeAhead(): Promise<Found[]> {
    const items = [...this.#ahead.values()];
    const foldOf = await this.#foldsOf(items);
    return items.map(facts => {
      const fold = foldOf(facts);
      if (seqOf(fold, aggregateOf(facts)) >= facts.seq) this.#ahead.delete(facts.id);
      return judgeStock(facts, fold);
    });
  }

  async #foldsOf(items: readonly StockFacts[]): Promise<(facts: StockFacts) => Fold | null> {
    const found = byId(await this.#tools.folds.loadMany(items.map(aggregateOf)));
    return facts => found.get(aggregateOf(facts))?.state ?? null;
  }
}

export const stockCheck = (tools: CheckTools): Check => new StockCheck(tools);
