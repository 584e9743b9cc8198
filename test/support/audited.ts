// What the audit of a running shop has looked at and found.
import { expect } from "@jest/globals";
import { checkNames, type CheckRun, type Finding } from "../../core/contracts/audit.ts";
import type { Client } from "./client.ts";

interface Audit {
  readonly items: readonly Finding[];
  readonly checks: readonly CheckRun[];
}

/** So long until every check has begun and ended a walk after now, and second looks have had their time. */
const WALKED_MS = 30_000;

/** @returns how much each check has looked at */
export async function expectNoFinding(api: Client): Promise<ReadonlyMap<string, number>> {
  const from = new Date(Date.now() + WALKED_MS).toISOString();
  const isDone = ({ checks }: Audit): boolean =>
    checks.length === checkNames.length && checks.every(({ finishedAt }) => (finishedAt ?? "") > from);
  const { items, checks } = await api.until(() => api.get<Audit>("/v1/audit"), isDone);
  expect(items).toEqual([]);
  expect(checks.map(({ error }) => error)).toEqual(checkNames.map(() => null));
  return new Map(checks.map(check => [check.check, check.looked]));
}
