// Every dead letter of a subscriber, page by page.
import type { DeadLetter } from "../../core/contracts/bridge.ts";
import type { DeadLetters } from "./event-log.ts";

const PAGE = 1_000;

export async function allDeadLetters(from: DeadLetters, subscriber: string): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  for (;;) {
    const last = letters.at(-1);
    const page = await from.deadLetters({ subscriber, limit: PAGE, ...(last === undefined ? {} : { after: last }) });
    letters.push(...page);
    if (page.length < PAGE) return letters;
  }
}
