// The one table of REST operations. Routes, 405 and the OpenAPI document all come from it.
import type { ActionContract, Rest } from "../../core/contracts/action.ts";
import { actions, type ActionName } from "../../core/contracts/index.ts";

export interface Operation {
  readonly action: ActionName;
  readonly contract: ActionContract;
  readonly rest: Rest;
  /** Names in the path, in its order. */
  readonly inPath: readonly string[];
}

/** What the gateway answers itself. */
export const documentPaths = { openApi: "/openapi.json", docs: "/docs" } as const;

const contracts: Readonly<Record<string, ActionContract>> = actions;

export const operations: readonly Operation[] = Object.entries(contracts).flatMap(([action, contract]) => {
  const { rest } = contract;
  if (rest === undefined) return [];
  const inPath = [...rest.path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  return [{ action: action as ActionName, contract, rest, inPath }];
});

const templates = new Map<string, string>(operations.map(({ action, rest }) => [action, rest.path]));
/** The path as the contract has it, without what stands in its place in a request. */
export const routeOf = (action: string | null | undefined): string | undefined => templates.get(action ?? "");

const methodsOf = ({ method }: Rest): string[] => (method === "GET" ? ["GET", "HEAD"] : [method]);

/** "GET /v1/orders/:id" → action, as moleculer-web wants it; HEAD goes where GET goes. */
export const aliases: Readonly<Record<string, string>> = Object.fromEntries(
  operations.flatMap(({ action, rest }) =>
    methodsOf(rest).map(method => [`${method} ${rest.path.replaceAll(/\{(\w+)\}/g, ":$1")}`, action]),
  ),
);

interface Address {
  readonly pattern: RegExp;
  readonly methods: readonly string[];
}
const patternOf = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll(".", "\\.").replaceAll(/\{\w+\}/g, "[^/]+")}/?$`);

const addresses: readonly Address[] = [
  ...[...Map.groupBy(operations, ({ rest }) => rest.path)].map(([path, group]) => ({
    pattern: patternOf(path),
    methods: group.flatMap(({ rest }) => methodsOf(rest)),
  })),
  ...Object.values(documentPaths).map(path => ({ pattern: patternOf(path), methods: ["GET", "HEAD"] })),
];

/** The methods of a path without its query; none when there is nothing at it. */
export const methodsAt = (path: string): readonly string[] =>
  addresses.find(({ pattern }) => pattern.test(path))?.methods ?? [];

const routes = [
  ...operations.flatMap(({ action, rest }) =>
    methodsOf(rest).map(method => ({ method, pattern: patternOf(rest.path), route: action })),
  ),
  ...Object.values(documentPaths).flatMap(path =>
    ["GET", "HEAD"].map(method => ({ method, pattern: patternOf(path), route: path })),
  ),
];

/** The action at a path without its query, or the path of a document; undefined when there is nothing at it. */
export const routeAt = (method: string, path: string): string | undefined =>
  routes.find(each => each.method === method && each.pattern.test(path))?.route;
