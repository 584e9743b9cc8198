// The event log in memory, for the simulator. What it keeps outlives the log that was opened on it, as a disk would.
import type { DeadLetter } from "../../core/contracts/bridge.ts";
import type { CloudEvent } from "../../core/contracts/common.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import { sequenceLog, type Sequence } from "../../services/bridge/sequence.ts";
import type { EventLog } from "../../services/bridge/event-log.ts";
import { frozenCopy } from "./frozen.ts";

export interface MemoryLogDisk {
  readonly events: CloudEvent[];
  readonly positions: Map<string, number>;
  readonly letters: Map<string, DeadLetter>;
}

export const createMemoryLogDisk = (): MemoryLogDisk => ({ events: [], positions: new Map(), letters: new Map() });

const inOrder = (a: DeadLetter, b: DeadLetter) =>
  a.position - b.position || (a.subscriber < b.subscriber ? -1 : a.subscriber > b.subscriber ? 1 : 0);

export const memoryLog = (disk: MemoryLogDisk, clock: Clock): EventLog => sequenceLog(memorySequence(disk, clock));

export function memorySequence(disk: MemoryLogDisk, clock: Clock): Sequence {
  /** Written in the moment after: whoever dies before it has written nothing. */
  const write = (change: () => void): Promise<void> =>
    new Promise(resolve => {
      clock.defer(() => {
        change();
        resolve();
      });
    });
  return {
    append: events => write(() => disk.events.push(...events.map(frozenCopy))),
    read(after, types, limit) {
      const entries = disk.events
        .slice(after)
        .map((event, index) => ({ position: after + index + 1, event }))
        .filter(({ event }) => types.includes(event.type))
        .slice(0, limit);
      const upTo = entries.length < limit ? disk.events.length : (entries.at(-1)?.position ?? after);
      return Promise.resolve({ entries, upTo });
    },
    committed: group => Promise.resolve(disk.positions.get(group) ?? 0),
    commit: (group, position) =>
      write(() => disk.positions.set(group, Math.max(position, disk.positions.get(group) ?? 0))),
    bury: letters =>
      write(() => {
        for (const letter of letters) {
          const key = `${letter.subscriber} ${letter.event.id}`;
          if (!disk.letters.has(key)) disk.letters.set(key, frozenCopy(letter));
        }
      }),
    deadLetters({ subscriber, after, limit }) {
      const found = [...disk.letters.values()]
        .filter(letter => subscriber === undefined || letter.subscriber === subscriber)
        .sort(inOrder)
        .filter(letter => after === undefined || inOrder(letter, { ...letter, ...after }) > 0);
      return Promise.resolve(found.slice(0, limit));
    },
    unbury: letters =>
      write(() => {
        for (const { subscriber, event } of letters) disk.letters.delete(`${subscriber} ${event.id}`);
      }),
    end: () => Promise.resolve(disk.events.length),
    close: () => undefined,
  };
}
