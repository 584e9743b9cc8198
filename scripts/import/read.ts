// The file as a stream of rows and refusals, batch by batch: what is held does not depend on its length.
import { createInterface } from "node:readline";
import { Readable } from "node:stream";
import { readHeader } from "./columns.ts";
import { decoded, detectEncoding } from "./encoding.ts";
import { records, type CsvRecord } from "./records.ts";
import { rowReader, type Format, type Refused, type Row } from "./row.ts";

const refusedHeader = (reason: string, record?: CsvRecord): Refused => ({
  line: record?.line ?? 1,
  raw: record?.raw ?? "",
  reason,
  header: true,
});

/** The header line is no row; where it is refused it comes as the first refusal. */
export async function* readFile(file: string, format: Format): AsyncGenerator<(Row | Refused)[]> {
  const text = Readable.from(decoded(file, await detectEncoding(file)));
  const lines = createInterface({ input: text, crlfDelay: Infinity });
  let read: ReturnType<typeof rowReader> | null = null;
  for await (const batch of records(lines)) {
    if (read !== null) {
      yield batch.map(read);
      continue;
    }
    // The header always comes alone.
    const [first] = batch;
    const header = readHeader(first?.cells ?? []);
    read = rowReader(header, format);
    if (header.problem !== null) yield [refusedHeader(header.problem, first)];
  }
  if (read === null) yield [refusedHeader("missing header: the file is empty")];
}
