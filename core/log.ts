// Logs: JSON lines on stderr, or readable lines when a person sits there. No parameters, no bodies, no e-mail addresses.
import { Loggers, type LogLevels as Level } from "moleculer";
import pino, { type DestinationStream, type Logger, type LoggerOptions } from "pino";
import type { Config } from "./config.ts";
import { currentScope } from "./tracing/scope.ts";
import { idsOf } from "./logging/ids.ts";
import type { LogLevels } from "./logging/levels.ts";
import { redacted } from "./logging/redaction.ts";

/** An error's data may hold what a customer typed; its class, code and stack do not. */
function describeError(error: Error): Record<string, unknown> {
  const { type, code } = error as Error & { type?: unknown; code?: unknown };
  return { class: error.name, type, code, message: error.message, stack: error.stack };
}

function readable(line: string): string {
  const { time, level, mod, svc, msg, err } = JSON.parse(line) as Record<string, string | undefined> & {
    err?: { stack?: string };
  };
  return `${[time?.slice(11, 23), level?.toUpperCase(), svc ?? mod, msg, err?.stack].filter(Boolean).join(" ")}\n`;
}

const options: LoggerOptions = {
  base: null,
  level: "trace",
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: level => ({ level }) },
  serializers: { err: describeError },
  mixin() {
    const scope = currentScope();
    return scope === undefined ? {} : idsOf(scope);
  },
  hooks: {
    // Moleculer says (message, fields) where pino wants (fields, message).
    logMethod(args, method) {
      const [first, second] = args as unknown[];
      const fields = second instanceof Error ? { err: second } : second;
      if (typeof first === "string" && typeof fields === "object" && fields !== null)
        method.apply(this, [fields, first]);
      else method.apply(this, args);
    },
  },
};

/** Lines that wait until they fill a page, and how long they do at most. */
const PAGE_BYTES = 4_096;
const FLUSH_MS = 100;
const isSerious = (line: string): boolean => line.startsWith('{"level":"error"') || line.startsWith('{"level":"fatal"');

/**
 * Written by the page: a call of the operating system per line would cost more than the line. Written synchronously, so
 * that nothing is under way when the process ends; what is serious goes out at once.
 */
function pages(): DestinationStream {
  const stderr = pino.destination({ fd: 2, sync: true, minLength: PAGE_BYTES, periodicFlush: FLUSH_MS });
  process.on("exit", () => {
    stderr.flushSync();
  });
  return {
    write(line) {
      stderr.write(redacted(line));
      if (isSerious(line)) stderr.flushSync();
    },
  };
}

const terminal: DestinationStream = {
  write(line) {
    process.stderr.write(readable(redacted(line)));
  },
};

let shared: Logger | undefined;
/** One for the process, so that its lines stay in order. */
const root = (): Logger => (shared ??= pino(options, process.stderr.isTTY ? terminal : pages()));

/** For what is said before there is a broker. */
export const processLogger = ({ logLevel }: Pick<Config, "logLevel">): Logger =>
  root().child({ mod: "START" }, { level: logLevel });

type Bindings = Parameters<Loggers.Base<object>["getLogHandler"]>[0];

/** Moleculer's logger on pino: asks at each line whether it is wanted, for the levels may change. */
export class NodeLogger extends Loggers.Base<object> {
  readonly #levels: LogLevels;

  constructor(levels: LogLevels) {
    super({});
    this.#levels = levels;
    const own = root().child({ mod: "LOG" });
    levels.attach((message, data) => {
      own.warn(data, message);
    });
  }

  override getLogHandler(bindings: Bindings): (level: Level, args: unknown[]) => void {
    const module = (bindings.svc ?? bindings.mod).toLowerCase();
    const logger = root().child(bindings) as Record<Level, (...given: unknown[]) => void>;
    this.#levels.know(module);
    return (level, args) => {
      if (this.#levels.allows(module, level)) logger[level](...args);
    };
  }
}
