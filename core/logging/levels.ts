// What is logged, as it can be changed while the node runs: for all of it, or for one module. Ends with the process.
import type { LogLevel } from "../config.ts";

const rank: Readonly<Record<LogLevel, number>> = { fatal: 0, error: 1, warn: 2, info: 3, debug: 4, trace: 5 };

export interface LevelsView {
  readonly level: LogLevel;
  /** Those with a level of their own. */
  readonly modules: readonly { readonly module: string; readonly level: LogLevel }[];
  /** Those that may have one. */
  readonly known: readonly string[];
}

export interface LevelChange {
  /** "default" takes a change back. */
  readonly level: LogLevel | "default";
  /** The whole node, and every module, when left out. */
  readonly module?: string | undefined;
}

export class LogLevels {
  readonly #start: LogLevel;
  readonly #modules = new Map<string, LogLevel>();
  readonly #known = new Set<string>();
  #level: LogLevel;
  #tell: (message: string, data: object) => void = () => undefined;

  constructor(start: LogLevel) {
    this.#start = start;
    this.#level = start;
  }

  /** @param tell says each change in the log, whatever the level is. */
  attach(tell: (message: string, data: object) => void): void {
    this.#tell = tell;
  }

  /** Asked before each line. */
  allows(module: string, level: LogLevel): boolean {
    const own = this.#modules.size === 0 ? undefined : this.#modules.get(module);
    return rank[level] <= rank[own ?? this.#level];
  }

  know(module: string): void {
    this.#known.add(module);
  }

  get view(): LevelsView {
    const modules = [...this.#modules].map(([module, level]) => ({ module, level }));
    return { level: this.#level, modules, known: [...this.#known].sort() };
  }

  /** Whether this node has the module; without one always. The level of the whole node ends those of its modules. */
  set({ level, module }: LevelChange): boolean {
    if (module !== undefined && !this.#known.has(module)) return false;
    const before = (module === undefined ? undefined : this.#modules.get(module)) ?? this.#level;
    if (module === undefined) {
      this.#level = level === "default" ? this.#start : level;
      this.#modules.clear();
    } else if (level === "default") this.#modules.delete(module);
    else this.#modules.set(module, level);
    const now = (module === undefined ? undefined : this.#modules.get(module)) ?? this.#level;
    this.#tell("The log level was changed", { module: module ?? "all", before, now });
    return true;
  }
}
