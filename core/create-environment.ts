// The environment of a mode. The only code that knows which adapters a mode has.
import type { Config } from "./config.ts";
import type { Environment } from "./environment.ts";
import { systemClock, systemRandom } from "./system.ts";

/** @param onFatal for what the process cannot go on with: a full disk, an I/O error. */
export function createEnvironment(config: Config, onFatal: (error: Error) => void): Environment {
  void onFatal;
  return {
    config,
    clock: systemClock,
    random: systemRandom,
    database: name => {
      throw new Error(`No store yet for ${name}`);
    },
  };
}
