// Logs: JSON lines on stderr, or readable lines when a person sits there. No parameters, no bodies, no e-mail addresses.
import type { LoggerConfig } from "moleculer";
import pino, { type DestinationStream, type Logger, type LoggerOptions } from "pino";
import type { Config } from "./config.ts";

/** An error's data may hold what a customer typed; its class, code and stack do not. */
function describeError(error: Error): Record<string, unknown> {
  const { type, code } = error as Error & { type?: unknown; code?: unknown };
  return { class: error.name, type, code, message: error.message, stack: error.stack };
}

const readable: DestinationStream = {
  write(line: string) {
    const { time, level, mod, svc, msg, err } = JSON.parse(line) as Record<string, string | undefined> & {
      err?: { stack?: string };
    };
    const text = [time?.slice(11, 23), level?.toUpperCase(), svc ?? mod, msg, err?.stack].filter(Boolean).join(" ");
    process.stderr.write(`${text}\n`);
  },
};

const options: LoggerOptions = {
  base: null,
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: level => ({ level }) },
  serializers: { err: describeError },
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

const destinationOf = (): DestinationStream =>
  process.stderr.isTTY ? readable : pino.destination({ fd: 2, sync: true });

/** For what is said before there is a broker. */
export const processLogger = ({ logLevel }: Config): Logger =>
  pino({ ...options, level: logLevel }, destinationOf()).child({ mod: "START" });

export const loggerOf = ({ logLevel }: Config): LoggerConfig => ({
  type: "Pino",
  options: {
    level: logLevel,
    pino: {
      options: { ...options, level: logLevel },
      destination: destinationOf(),
    },
  },
});
