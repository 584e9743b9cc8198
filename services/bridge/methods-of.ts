// A log's methods as an object of their own, so that one of them can be replaced: a spread would leave out a class's.
import type { EventLog } from "./event-log.ts";

export const methodsOf = (log: EventLog): EventLog => ({
  append: events => log.append(events),
  subscribe: (group, types, listener) => log.subscribe(group, types, listener),
  past: (query, take) => log.past(query, take),
  lag: (group, types) => log.lag(group, types),
  topics: () => log.topics(),
  check: () => log.check(),
  bury: letters => log.bury(letters),
  deadLetters: query => log.deadLetters(query),
  unbury: letters => log.unbury(letters),
  close: () => log.close(),
});
