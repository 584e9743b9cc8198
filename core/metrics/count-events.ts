// Counts what happened by its events, once they are stored: so a decision that is made again is not counted again.
import type { CloudEvent } from "../contracts/common.ts";
import type { EventData, EventType } from "../contracts/index.ts";
import type { Written } from "../store/writer.ts";

export type EventCounters<S = unknown> = {
  readonly [T in EventType]?: (data: EventData<T>, event: CloudEvent, state: S) => void;
};

/** @param S the state of the documents that these events come from */
export const countEvents =
  <S = unknown>(counters: EventCounters<S>) =>
  ({ events, state }: Written): void => {
    for (const event of events) {
      const count = counters[event.type as EventType] as ((...given: unknown[]) => void) | undefined;
      count?.(event.data, event, state);
    }
  };
