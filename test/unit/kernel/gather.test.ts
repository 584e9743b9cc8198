import { expect, it } from "@jest/globals";
import { asLongAs } from "../../../core/kernel/gather.ts";

it.each([
  ["a quick round is followed by the least rest", 3, 10],
  ["a slow one by as long a rest", 60, 60],
  ["a very slow one by the most", 5_000, 100],
])("%s", (_what, took, rest) => {
  expect(asLongAs(took, { least: 10, most: 100 })).toBe(rest);
});
