// An event is missing only when all that the log had at the time was delivered to the audit, from every share of it.
import { beforeEach, describe, expect, it } from "@jest/globals";
import type { Call } from "../../../core/request.ts";
import type { CheckRun } from "../../../core/contracts/audit.ts";
import type { DocumentStore } from "../../../core/store/port.ts";
import { Auditor } from "../../../services/audit/auditor.ts";
import type { Findings } from "../../../services/audit/findings.ts";
import { createProgress, type Position } from "../../../services/audit/progress.ts";
import { Suspects } from "../../../services/audit/suspects.ts";
import { violation, type Violation } from "../../../services/audit/violation.ts";
import { createManualClock, type ManualClock } from "../../support/manual-clock.ts";

const ROUND_MS = 2_000;
const missing = violation({
  ...{ check: "events", subject: "order:1", detail: "event 2 is missing", expected: "2", actual: "1", until: 2 },
});

let clock: ManualClock;
let positions: Map<string, Position>;
let isAway: boolean;
const call = (() =>
  isAway
    ? Promise.reject(new Error("no bridge"))
    : Promise.resolve({ items: [...positions].map(([feed, position]) => ({ feed, ...position })) })) as unknown as Call;

beforeEach(() => {
  clock = createManualClock();
  isAway = false;
  positions = new Map([
    ["order/0", { committed: 3, end: 10 }],
    ["order/1", { committed: 7, end: 7 }],
  ]);
});

describe("A suspect", () => {
  let seen: Violation | null;
  let reported: Violation[];
  let failures: unknown[];
  let suspects: Suspects;
  let look: (subject: string) => Violation | null;

  beforeEach(() => {
    seen = missing;
    look = () => seen;
    reported = [];
    failures = [];
    const report = (found: Violation) => Promise.resolve(void reported.push(found));
    suspects = new Suspects({
      checks: [{ name: "events", scan: () => Promise.resolve(), look: subject => Promise.resolve(look(subject)) }],
      findings: { report } as Partial<Findings> as Findings,
      ...{ progress: createProgress(call, clock), clock },
    });
    suspects.add(missing);
  });

  async function rounds(seconds: number): Promise<void> {
    for (let left = seconds * 1_000; left > 0; left -= ROUND_MS) {
      await clock.advance(ROUND_MS);
      await suspects.round().catch((error: unknown) => failures.push(error));
    }
  }

  it("is waited for while one share has not delivered what it had, however far the others are", async () => {
    await rounds(30);
    positions.set("order/1", { committed: 90, end: 90 });
    positions.set("order/0", { committed: 9, end: 30 });
    await rounds(60);
    expect(reported).toEqual([]);
  });

  it("is forgotten when it has come by then", async () => {
    await rounds(30);
    positions.set("order/0", { committed: 10, end: 30 });
    seen = null;
    await rounds(60);
    expect(reported).toEqual([]);
  });

  it("is a finding when all is delivered and it has not come, within half a minute", async () => {
    positions.set("order/0", { committed: 10, end: 10 });
    await rounds(30);
    expect(reported).toEqual([missing]);
  });

  it("is waited for while nobody can say how far the log is", async () => {
    positions.set("order/0", { committed: 10, end: 10 });
    isAway = true;
    await rounds(60);
    expect(reported).toEqual([]);
    expect(failures.length).toBeGreaterThan(0);
    isAway = false;
    await rounds(30);
    expect(reported).toEqual([missing]);
  });

  it("does not keep others from their turn, however many wait", async () => {
    isAway = true;
    const stays = { ...missing, subject: "stock:A", until: null };
    look = subject => (subject === stays.subject ? stays : { ...missing, subject });
    for (let index = 0; index < 400; index += 1) suspects.add({ ...missing, subject: `order:many-${String(index)}` });
    suspects.add(stays);
    await rounds(30);
    expect(reported).toEqual([stays]);
  });

  describe("whose subject nobody could be asked about", () => {
    const late = { ...missing, until: null, graceMs: 20_000 };
    const away = (): never => {
      throw new Error("billing is away");
    };
    beforeEach(async () => {
      seen = null;
      await rounds(60);
      suspects.add(late);
    });

    it("has its grace anew once that is back: what was on its way stood still with it", async () => {
      look = away;
      await rounds(60);
      look = () => late;
      await rounds(18);
      expect(reported).toEqual([]);
      await rounds(30);
      expect(reported).toEqual([late]);
    });

    it("does not keep others from their turn, however many there are", async () => {
      const stays = { ...late, subject: "stock:A" };
      look = subject => (subject === stays.subject ? stays : away());
      for (let index = 0; index < 400; index += 1) suspects.add({ ...late, subject: `order:many-${String(index)}` });
      suspects.add(stays);
      await rounds(44);
      expect(reported).toEqual([stays]);
    });
  });

  it("is told within seconds of its grace, though thousands that were only late are before it", async () => {
    const stays = { ...missing, subject: "stock:A", until: null };
    look = subject => (subject === stays.subject ? stays : null);
    for (let index = 0; index < 1_900; index += 1) suspects.add({ ...missing, subject: `order:late-${String(index)}` });
    suspects.add(stays);
    const auditor = new Auditor({
      ...{ checks: [], suspects, clock, intervalMs: 60_000, isBusy: () => false },
      findings: {} as Findings,
      runs: {} as DocumentStore<CheckRun>,
      onRun: () => undefined,
      onError: (_check, error) => failures.push(error),
    });
    auditor.start();
    await clock.advance(missing.graceMs + 10_000);
    await auditor.stop();
    expect([reported, failures]).toEqual([[stays], []]);
  });

  it("is one of eight that are looked at together, and of none more once the audit stops", async () => {
    let looked = 0;
    look = () => {
      looked += 1;
      return null;
    };
    for (let index = 0; index < 60; index += 1) suspects.add({ ...missing, subject: `order:late-${String(index)}` });
    await clock.advance(missing.graceMs);
    expect(await suspects.round(() => looked > 0)).toBe(true);
    expect(looked).toBe(8);
  });

  it("is not waited for when it is about nothing that comes", async () => {
    const now = { ...missing, until: null };
    seen = now;
    await rounds(6);
    expect(reported).toEqual([now]);
  });
});

describe("The delivery to the audit", () => {
  const late = async (progress: ReturnType<typeof createProgress>, seconds: number): Promise<Violation | null> => {
    await progress.late();
    await clock.advance(seconds * 1_000);
    return progress.late();
  };

  it("is late when a share stands still for 45 s with more to give, which is named", async () => {
    const progress = createProgress(call, clock);
    expect(await late(progress, 44)).toBeNull();
    expect(await late(progress, 1)).toMatchObject({
      ...{ subject: "delivery:audit", severity: "warning" },
      actual: expect.stringContaining("order/0 stands at 3 since") as unknown as string,
    });
  });

  it.each([
    ["it goes on, however far behind it is", { committed: 4, end: 900 }],
    ["it has nothing more to give", { committed: 10, end: 10 }],
  ])("is not when %s", async (_what, position) => {
    const progress = createProgress(call, clock);
    await late(progress, 44);
    positions.set("order/0", position);
    expect(await late(progress, 44)).toBeNull();
  });

  it("is late when nobody says for 45 s how far it is, or that there is any", async () => {
    const progress = createProgress(call, clock);
    isAway = true;
    expect(await late(progress, 45)).toMatchObject({ subject: "delivery:audit" });
    isAway = false;
    expect(await late(progress, 10)).toBeNull();
    positions.clear();
    expect(await late(progress, 45)).toMatchObject({ subject: "delivery:audit" });
  });
});
