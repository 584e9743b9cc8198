// The dashboards as Grafana gets them: from the committed files, not from the code that makes them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const FOLDER = join(import.meta.dirname, "..", "..", "..", "monitoring", "grafana", "dashboards");

export interface Target {
  readonly expr: string;
  readonly legendFormat?: string;
  readonly refId: string;
  readonly instant?: boolean;
  readonly exemplar?: boolean;
  readonly datasource?: { readonly type?: string; readonly uid?: string };
}

interface Link {
  readonly title: string;
  readonly type: string;
  readonly url?: string;
}

export interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly datasource?: { readonly uid?: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly Target[];
  readonly links?: readonly Link[];
  readonly options?: { readonly legend?: { readonly showLegend?: boolean } };
  readonly fieldConfig?: {
    readonly defaults: { readonly unit?: string };
    readonly overrides: readonly { readonly properties: readonly { readonly id: string; readonly value: unknown }[] }[];
  };
}

export interface Variable {
  readonly name: string;
  readonly type: string;
  readonly query?: string | { readonly query: string };
  readonly regex?: string;
  readonly includeAll?: boolean;
  readonly allValue?: string;
  readonly current?: { readonly value?: string | readonly string[] };
  readonly datasource?: { readonly uid?: string };
}

export interface Board {
  readonly file: string;
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
  readonly annotations: {
    readonly list: readonly { readonly expr?: string; readonly datasource?: { uid?: string } }[];
  };
  readonly links: readonly Link[];
}

export const boards: readonly Board[] = readdirSync(FOLDER)
  .filter(file => file.endsWith(".json"))
  .map(file => ({ file, ...(JSON.parse(readFileSync(join(FOLDER, file), "utf8")) as Omit<Board, "file">) }));

/** All but the headings of rows. */
export const panelsOf = (board: Board): Panel[] => board.panels.filter(({ type }) => type !== "row");

/** Each with where it stands, for a message that finds it. */
export const allPanels = (): { board: Board; panel: Panel; where: string }[] =>
  boards.flatMap(board => panelsOf(board).map(panel => ({ board, panel, where: `${board.file}: ${panel.title}` })));

export const linksOf = (board: Board): Link[] => [
  ...board.links,
  ...panelsOf(board).flatMap(({ links = [] }) => links),
  ...panelsOf(board).flatMap(({ fieldConfig }) =>
    (fieldConfig?.overrides ?? [])
      .flatMap(({ properties }) => properties.filter(({ id }) => id === "links"))
      .flatMap(({ value }) => value as Link[]),
  ),
];
