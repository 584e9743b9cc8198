// Lines become CSV records. A quote that is not closed costs its own line, not all that follow it.
import { parse } from "csv-parse/sync";

export interface CsvRecord {
  /** Of its first line, from 1. */
  readonly line: number;
  readonly raw: string;
  /** Null when its quotes do not fit together. */
  readonly cells: readonly string[] | null;
}

interface Line {
  readonly line: number;
  readonly raw: string;
}

const BATCH = 500;
/** A quoted field may hold line ends; one that goes on longer than this is taken as never closed. */
const MAX_LINES = 20;
const OPTIONS = { relax_column_count: true, record_delimiter: "\n" } as const;

const opensField = (text: string): boolean => text.split('"').length % 2 === 0;

function parseAll(text: string): string[][] | null {
  try {
    return parse(text, OPTIONS);
  } catch {
    return null;
  }
}

function parseOne({ line, raw }: Line): CsvRecord {
  const records = parseAll(raw);
  return { line, raw, cells: records?.length === 1 ? (records[0] ?? null) : null };
}

function parseBatch(batch: readonly Line[]): CsvRecord[] {
  const records = parseAll(batch.map(({ raw }) => raw).join("\n"));
  if (records?.length !== batch.length) return batch.map(parseOne);
  return batch.map(({ line, raw }, index) => ({ line, raw, cells: records[index] ?? null }));
}

/** Joins the lines of a quoted field that holds line ends, as far as that makes a record of `width()` cells. */
function assembler(width: () => number) {
  let open: Line[] = [];

  const giveUp = (): Line[] => {
    const [broken, ...rest] = open;
    open = [];
    return broken === undefined ? [] : [broken, ...rest.flatMap(take)];
  };

  function take(next: Line): Line[] {
    const [first] = open;
    if (first === undefined && !opensField(next.raw)) return next.raw.trim() === "" ? [] : [next];
    open.push(next);
    if (first === undefined) return [];
    if (!opensField(next.raw)) return open.length < MAX_LINES ? [] : giveUp();
    const joined = parseOne({ line: first.line, raw: open.map(({ raw }) => raw).join("\n") });
    if (joined.cells?.length !== width()) return giveUp();
    open = [];
    return [joined];
  }

  return { take, giveUp };
}

/** Batches of records; blank lines are left out. The first record is the header and says how many cells a record has. */
export async function* records(lines: AsyncIterable<string>): AsyncGenerator<CsvRecord[]> {
  let width = 0;
  let line = 0;
  let batch: Line[] = [];
  const { take, giveUp } = assembler(() => width);
  const flush = (): CsvRecord[] => {
    const parsed = parseBatch(batch);
    batch = [];
    if (width === 0) width = parsed[0]?.cells?.length ?? 0;
    return parsed;
  };
  for await (const raw of lines) {
    line += 1;
    batch.push(...take({ line, raw }));
    if (batch.length >= BATCH || (width === 0 && batch.length > 0)) yield flush();
  }
  for (let rest = giveUp(); rest.length > 0; rest = giveUp()) batch.push(...rest);
  if (batch.length > 0) yield flush();
}
