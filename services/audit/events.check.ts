// Events: what waits too long in an outbox, what is missing in the log, and what left an outbox and never arrived.
// Documents that other checks read anyway are compared with their folds there; here are the others, and the second look.
import type { DocumentFacts, Waiting } from "../../core/contracts/audit.ts";
import { timestamp } from "../../core/kernel/clock.ts";
import type { Call } from "../../core/request.ts";
import { judgeArrival, type Sent } from "./arrival.domain.ts";
import { byId, pagesOf, type Check, type CheckTools, type From, type PageOf, type Round } from "./check.ts";
import { seqOf, type Fold } from "./fold.domain.ts";
import type { Progress } from "./progress.ts";
import { partsOf, violation, type Violation } from "./violation.ts";

/** What waits longer cannot be published, or nobody does it. */
const WAIT_MS = 30_000;
const MOST = 100;

/** Of a document that nobody can be asked about: only the holes in its events are known. */
const unknown: Sent = { seq: Infinity, pending: null };

const stuck = ({ aggregate, sequence, type, time }: Waiting): Violation =>
  violation({
    check: "events",
    severity: "warning",
    subject: `outbox:${aggregate.slice(0, aggregate.indexOf(":"))}`,
    detail: `Event ${String(sequence)} of ${aggregate} (${type}) waits in the outbox, and what came after it`,
    expected: "published within seconds",
    actual: `since ${time}`,
  });

/** Some documents, or a page of all. */
type Ask = (asked: Partial<From> & { readonly ids?: string[] }) => Promise<PageOf<DocumentFacts>>;

/** Who knows the documents of an aggregate. */
const askingBy = (call: Call) =>
  ({
    stock: asked => call("v1.inventory.inspect", asked),
    order: asked => call("v1.order.inspect", asked),
    payment: asked => call("v1.billing.inspectPayments", asked),
    invoice: asked => call("v1.billing.inspectInvoices", asked),
    product: asked => call("v1.product.inspect", asked),
    customer: asked => call("v1.customer.inspect", asked),
    account: asked => call("v1.account.inspect", asked),
  }) satisfies Record<string, Ask>;
type Asking = ReturnType<typeof askingBy>;

class EventsCheck implements Check {
  readonly name = "events";
  readonly #asking: Asking;
  readonly #tools: CheckTools;
  readonly #progress: Progress;

  constructor(tools: CheckTools, progress: Progress) {
    this.#tools = tools;
    this.#asking = askingBy(tools.call);
    this.#progress = progress;
  }

  async scan(round: Round): Promise<void> {
    const broken = { where: { broken: { gte: 1 } }, orderBy: "broken", limit: MOST };
    const { items } = await this.#tools.folds.list(broken);
    const holes = items.flatMap(({ state }) =>
      state.holes.map(({ aggregate }) => judgeArrival(aggregate, unknown, state, 0)),
    );
    await round.page([...(await this.#outboxes()), ...holes, await this.#progress.late()], items.length);
    for (const kind of ["product", "customer", "account"] as const) await this.#walk(kind, round);
  }

  async look(subject: string, until: number | null): Promise<Violation | null> {
    const [kind, id] = partsOf(subject);
    if (kind === "delivery") return this.#progress.late();
    if (kind === "outbox") return (await this.#outboxes()).find(found => found.subject === subject) ?? null;
    const known = await this.#sentBy(kind, id);
    const orderId = known !== null && "orderId" in known ? known.orderId : null;
    const foldId = typeof orderId === "string" ? `order:${orderId}` : subject;
    // Before the document and after it: what it has made in between may have come already.
    const before = await this.#foldOf(foldId);
    const sent = (await this.#sentBy(kind, id)) ?? unknown;
    const after = await this.#foldOf(foldId);
    if (seqOf(before, subject) > sent.seq) return judgeArrival(subject, sent, before, until ?? 0);
    const seq = Math.max(sent.seq, seqOf(after, subject));
    return judgeArrival(subject, { ...sent, seq }, after, until ?? 0);
  }

  async #walk(kind: keyof Asking, round: Round): Promise<void> {
    for await (const documents of pagesOf(this.#asking[kind])) {
      const aggregateOf = ({ id }: DocumentFacts): string => `${kind}:${id}`;
      const foldOf = byId(await this.#tools.folds.loadMany(documents.map(aggregateOf)));
      const found = documents.map(document => {
        const aggregate = aggregateOf(document);
        return judgeArrival(aggregate, document, foldOf.get(aggregate)?.state ?? null, null);
      });
      await round.page(found, documents.length);
    }
  }

  async #foldOf(id: string): Promise<Fold | null> {
    return (await this.#tools.folds.load(id))?.state ?? null;
  }

  async #outboxes(): Promise<Violation[]> {
    const { call, clock } = this.#tools;
    const before = timestamp(clock.now() - WAIT_MS);
    const answers = await Promise.all([
      call("v1.order.waiting", {}),
      call("v1.inventory.waiting", {}),
      call("v1.billing.waiting", {}),
      call("v1.product.waiting", {}),
      call("v1.customer.waiting", {}),
      call("v1.account.waiting", {}),
    ]);
    return answers.flatMap(({ oldest }) => oldest.filter(({ time }) => time < before).map(stuck));
  }

  async #sentBy(kind: string, id: string): Promise<Sent | null> {
    if (!Object.hasOwn(this.#asking, kind)) return null;
    return (await this.#asking[kind as keyof Asking]({ ids: [id] })).items[0] ?? null;
  }
}

export const eventsCheck = (tools: CheckTools, progress: Progress): Check => new EventsCheck(tools, progress);
