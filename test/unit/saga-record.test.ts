import { describe, expect, it } from "@jest/globals";
import { endedSaga, startSaga, TAKEN_OVER, takeOver } from "../../core/saga/record.ts";

describe("A saga that another process goes on with", () => {
  const saga = startSaga(0, 10_000);

  it("is left alone while its lease runs, and when it has ended", () => {
    expect(takeOver(saga, 9_999, 10_000)).toBeNull();
    expect(takeOver(endedSaga(null), 20_000, 10_000)).toBeNull();
  });

  it("has a new token, a new lease, and says when the old one ended", () => {
    const taken = takeOver(saga, 10_500, 10_000);
    expect(taken).toMatchObject({ token: 2, dueAt: 20_500 });
    expect(taken?.log).toEqual([
      {
        ...{ at: "1970-01-01T00:00:10.500Z", step: TAKEN_OVER, direction: "FORWARD", attempt: 1, outcome: "done" },
        detail: "The lease of the process before ended at 1970-01-01T00:00:10.000Z",
      },
    ]);
  });
});
