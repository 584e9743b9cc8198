// Runs the test files of its project one after the other: two at once would take the machine from each other.
import runner from "jest-runner";

/** Its types tell of a namespace, where there is the class itself. */
const TestRunner = runner as unknown as typeof runner.default;

export default class SerialRunner extends TestRunner {
  override readonly isSerial = true;
}
