// Of the files that run beside each other, those that take longest begin: else the last of them would run alone.
import sequencer from "@jest/test-sequencer";
import { basename } from "node:path";

/** Its types tell of a namespace, where there is the class itself. */
const TestSequencer = sequencer as unknown as typeof sequencer.default;
const LONGEST = ["kafka-faults", "resilience", "audit", "backup-cluster", "import"];

type Tests = Parameters<InstanceType<typeof TestSequencer>["sort"]>[0];

const placeOf = ({ path }: Tests[number]): number => {
  const place = LONGEST.indexOf(basename(path, ".test.ts"));
  return place < 0 ? LONGEST.length : place;
};

export default class LongestFirst extends TestSequencer {
  override async sort(tests: Tests): Promise<Tests> {
    const sorted = await super.sort(tests);
    return sorted.toSorted((one, other) => placeOf(one) - placeOf(other));
  }
}
