// The header line of UCI Online Retail, and of Online Retail II where it names the same column otherwise.

export const columnNames = [
  "InvoiceNo",
  "StockCode",
  "Description",
  "Quantity",
  "InvoiceDate",
  "UnitPrice",
  "CustomerID",
  "Country",
] as const;
export type Column = (typeof columnNames)[number];

export interface Header {
  /** Where each known column stands. */
  readonly index: ReadonlyMap<Column, number>;
  readonly width: number;
  /** Columns that no row of this file can have. */
  readonly missing: readonly Column[];
  /** Why the header line itself is refused, or null. */
  readonly problem: string | null;
}

const plain = (name: string): string => name.replaceAll(/[\s_]/g, "").toLowerCase();
const known = new Map<string, Column>([
  ...columnNames.map(name => [plain(name), name] as const),
  ["invoice", "InvoiceNo"],
  ["price", "UnitPrice"],
]);

export function readHeader(cells: readonly string[]): Header {
  const index = new Map<Column, number>();
  const unknown: string[] = [];
  for (const [position, cell] of cells.entries()) {
    const column = known.get(plain(cell));
    if (column === undefined || index.has(column)) unknown.push(cell.trim());
    else index.set(column, position);
  }
  const missing = columnNames.filter(name => !index.has(name));
  const problems = [
    ...(unknown.length > 0 ? [`unknown header ${unknown.map(name => `"${name}"`).join(", ")}`] : []),
    ...(missing.length > 0 ? [`missing ${missing.join(", ")}`] : []),
  ];
  const problem = problems.length === 0 ? null : `${problems.join("; ")}; known are ${columnNames.join(",")}`;
  return { index, width: cells.length, missing, problem };
}
