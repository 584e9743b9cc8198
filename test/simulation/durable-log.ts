// A process's connection to the event log, which outlives it.
import type { Clock } from "../../core/kernel/clock.ts";
import type { EventLog } from "../../services/bridge/event-log.ts";
import { sequenceLog } from "../../services/bridge/sequence.ts";
import { memorySequence, type MemoryLogDisk } from "../support/memory-log.ts";
import { operate, type Reach } from "./durable.ts";

const atOnce: Clock = {
  now: () => 0,
  sleep: () => Promise.resolve(),
  defer: task => {
    task();
  },
};

/** @param owns whether this process still is the groups' consumer: the log refuses the commits of one that lost them. */
export function reachLog(reach: Reach, disk: MemoryLogDisk, owns: () => boolean): EventLog {
  const log = memorySequence(disk, atOnce);
  const { faults, note, node } = reach;
  function run<T>(kind: string, about: string, act: () => Promise<T>): Promise<T> {
    const fate = faults().operation("log", "log", kind);
    if (kind === "append" || fate.outcome !== "done") note(`${node.name} ${kind} ${about} ${fate.outcome}`);
    return operate(reach, fate, act);
  }
  const fenced = (act: () => Promise<void>): Promise<void> =>
    owns() ? act() : Promise.reject(new Error("The consumer group has a newer generation"));
  return sequenceLog({
    append: events => run("append", events.map(({ id }) => id).join(" "), () => log.append(events)),
    read: (after, types, limit) => run("read", String(after), () => log.read(after, types, limit)),
    committed: group => run("committed", group, () => log.committed(group)),
    commit: (group, position) =>
      run("commit", `${group} ${String(position)}`, () => fenced(() => log.commit(group, position))),
    bury: letters => run("bury", letters.map(({ event }) => event.id).join(" "), () => log.bury(letters)),
    deadLetters: query => run("deadLetters", "", () => log.deadLetters(query)),
    unbury: letters => run("unbury", letters.map(({ event }) => event.id).join(" "), () => log.unbury(letters)),
    end: () => run("end", "", () => log.end()),
    close: () => undefined,
  });
}
