// Deliveries as the worst bridge would make them: twice, in another order across aggregates, without their
// acknowledgement. Within an aggregate the order stays, for that is promised. What was done is counted where it was done.
import { aggregateOf } from "../../core/reactions.ts";
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { Outcome } from "../../core/contracts/reactions.ts";
import type { Chance } from "../simulation/chance.ts";

/** Of all deliveries. Each gets one of them at most. */
export interface Shares {
  readonly doubled: number;
  readonly reordered: number;
  readonly unanswered: number;
}
type Fate = keyof Shares | "plain";

export type React = (events: readonly CloudEvent[]) => Promise<readonly Outcome[]>;
export type Refuses = (subscriber: string, event: CloudEvent) => boolean;

const keyOf = (subscriber: string, { id }: CloudEvent): string => `${subscriber} ${id}`;

export class UnrulyDeliveries {
  readonly #chance: Chance;
  readonly #shares: Shares;
  #refuses: Refuses = () => false;
  /** How often a subscriber was given an event. */
  readonly #given = new Map<string, number>();
  /** Events given to each subscriber so far. */
  readonly #count = new Map<string, number>();
  /** Of those held back: the subscriber's count then. */
  readonly #heldBack = new Map<string, number>();
  readonly #owed = new Set<string>();
  readonly #settled = new Map<string, Set<string>>();
  readonly counts = { plain: 0, doubled: 0, reordered: 0, unanswered: 0, heldBack: 0, overtaken: 0, refused: 0 };

  constructor(chance: Chance, shares: Shares) {
    this.#chance = chance;
    this.#shares = shares;
  }

  /** From now on these fail for good, without their subscriber being asked. */
  refuse(refuses: Refuses): void {
    this.#refuses = refuses;
  }

  /** Events that a subscriber was given more than once, of all that it was given. */
  get repeated(): { readonly events: number; readonly more: number } {
    const times = [...this.#given.values()];
    return { events: times.length, more: times.filter(count => count > 1).length };
  }

  /** Deliveries that the bridge must make again. */
  get owed(): number {
    return this.#owed.size;
  }

  /** Events that this subscriber has taken or parked, as the bridge knows. */
  settled(subscriber: string): number {
    return this.#settled.get(subscriber)?.size ?? 0;
  }

  async deliver(subscriber: string, events: readonly CloudEvent[], react: React): Promise<Outcome[]> {
    for (const event of events) this.#owed.add(keyOf(subscriber, event));
    const give = (batch: readonly CloudEvent[]): Promise<readonly Outcome[]> => {
      this.#note(subscriber, batch);
      return react(batch);
    };
    const { refused, willing } = this.#sorted(subscriber, events);
    const outcomes = [...refused, ...(willing.length === 0 ? [] : await this.#disturbed(subscriber, willing, give))];
    for (const { id, outcome } of outcomes) if (outcome !== "failed") this.#settle(subscriber, id);
    return outcomes;
  }

  /** What comes behind a refused event of its aggregate waits with it. */
  #sorted(subscriber: string, events: readonly CloudEvent[]): { refused: Outcome[]; willing: CloudEvent[] } {
    const stopped = new Set<string>();
    const refused: Outcome[] = [];
    const willing: CloudEvent[] = [];
    for (const event of events) {
      const aggregate = aggregateOf(event);
      if (this.#refuses(subscriber, event)) stopped.add(aggregate);
      if (stopped.has(aggregate)) refused.push({ id: event.id, outcome: "failed", error: "refused by the test" });
      else willing.push(event);
    }
    this.counts.refused += refused.length;
    return { refused, willing };
  }

  async #disturbed(subscriber: string, events: readonly CloudEvent[], give: React): Promise<readonly Outcome[]> {
    const fate = this.#fate();
    this.counts[fate] += 1;
    switch (fate) {
      case "plain":
        return give(events);
      case "doubled":
        return this.#twice(events, give);
      case "reordered":
        return this.#reordered(subscriber, events, give);
      case "unanswered":
        await give(events);
        throw new Error("The acknowledgement was lost");
    }
  }

  #fate(): Fate {
    const { doubled, reordered, unanswered } = this.#shares;
    const drawn = this.#chance.fraction();
    if (drawn < doubled) return "doubled";
    if (drawn < doubled + reordered) return "reordered";
    return drawn < doubled + reordered + unanswered ? "unanswered" : "plain";
  }

  /** At the same time, as when a feed changes hands, or one after the other. */
  async #twice(events: readonly CloudEvent[], give: React): Promise<readonly Outcome[]> {
    if (this.#chance.happens(0.5)) {
      const [first] = await Promise.all([give(events), give(events)]);
      return first;
    }
    await give(events);
    return give(events);
  }

  /** One aggregate comes another time, when the bridge has gone on with others; the rest in two calls, in any order. */
  async #reordered(subscriber: string, events: readonly CloudEvent[], give: React): Promise<readonly Outcome[]> {
    const [late = [], ...others] = this.#shuffled([...Map.groupBy(events, aggregateOf).values()]);
    this.counts.heldBack += late.length;
    for (const event of late) this.#heldBack.set(keyOf(subscriber, event), this.#count.get(subscriber) ?? 0);
    const outcomes: Outcome[] = late.map(({ id }) => ({
      ...{ id, outcome: "failed", error: "held back by the test", transient: true },
    }));
    const cut = this.#chance.between(0, others.length);
    for (const part of [others.slice(0, cut), others.slice(cut)])
      if (part.length > 0) outcomes.push(...(await give(part.flat())));
    return outcomes;
  }

  #shuffled<T>(all: readonly T[]): T[] {
    return all
      .map(each => ({ each, at: this.#chance.fraction() }))
      .sort((a, b) => a.at - b.at)
      .map(({ each }) => each);
  }

  #note(subscriber: string, batch: readonly CloudEvent[]): void {
    const before = this.#count.get(subscriber) ?? 0;
    for (const event of batch) {
      const key = keyOf(subscriber, event);
      this.#given.set(key, (this.#given.get(key) ?? 0) + 1);
      if ((this.#heldBack.get(key) ?? Infinity) < before) this.counts.overtaken += 1;
      this.#heldBack.delete(key);
    }
    this.#count.set(subscriber, before + batch.length);
  }

  #settle(subscriber: string, id: string): void {
    this.#owed.delete(`${subscriber} ${id}`);
    const settled = this.#settled.get(subscriber) ?? new Set();
    this.#settled.set(subscriber, settled.add(id));
  }
}
