// Events as the bridge delivers them.
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { EventData, EventType } from "../../core/contracts/index.ts";

export function eventOf<T extends EventType>(
  type: T,
  subject: string,
  sequence: number,
  data: EventData<T>,
): CloudEvent {
  const aggregate = type.split(".")[0] ?? "";
  return {
    specversion: "1.0",
    id: `${aggregate}:${subject}:${String(sequence)}`,
    source: `/comptoir/${aggregate}`,
    type,
    subject,
    time: "2026-01-01T00:00:00.000Z",
    datacontenttype: "application/json",
    sequence,
    data,
  };
}
