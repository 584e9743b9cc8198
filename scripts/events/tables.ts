// The tool's tables, for people.
import Table from "cli-table3";
import type { DeadLetter } from "../../core/contracts/bridge.ts";
import type { Lag, Topic } from "./requests.ts";

/** Without colours: the table goes into files and logs as well. */
const PLAIN = { head: [], border: [] };
const MOST_TEXT = 80;

const count = (value: number): string => value.toLocaleString("en");
const cut = (text: string): string => (text.length > MOST_TEXT ? `${text.slice(0, MOST_TEXT - 1)}…` : text);

function tableOf(head: string[], rows: readonly string[][]): string {
  const table = new Table({ head, style: PLAIN });
  table.push(...rows);
  return table.toString();
}

export const topicTable = (topics: readonly Topic[]): string =>
  tableOf(
    ["topic", "partitions", "events"],
    topics.map(({ name, partitions, events }) => [name, count(partitions), count(events)]),
  );

export function lagTable(lags: readonly Lag[]): string {
  const sums = [...Map.groupBy(lags, ({ subscriber }) => subscriber)].map(([subscriber, feeds]) => {
    const behind = feeds.reduce((sum, feed) => sum + feed.behind, 0);
    return [subscriber, count(behind), count(feeds.length), count(feeds.filter(feed => feed.behind > 0).length)];
  });
  return tableOf(["subscriber", "events behind", "feeds", "of which behind"], sums);
}

export const deadLetterTable = (letters: readonly DeadLetter[]): string =>
  tableOf(
    ["subscriber", "aggregate", "event", "attempts", "at", "error"],
    letters.map(({ subscriber, subject, event, attempts, at, error }) => [
      ...[subscriber, subject, `${event.type} ${event.id}`],
      ...[String(attempts), at, cut(error)],
    ]),
  );
