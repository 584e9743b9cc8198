// How a MongoDB client is set up: who it is, what it waits for, and how long it may take to notice that nobody answers.
import {
  MongoClient,
  MongoError,
  MongoInvalidArgumentError,
  MongoOperationTimeoutError,
  MongoServerError,
  MongoServerSelectionError,
  type MongoClientOptions,
} from "mongodb";
import type { MongoConfig, Tls } from "../config-cluster.ts";
import { fail } from "../errors.ts";
import { StartupError } from "../startup-error.ts";

/** Per database and process. */
const POOL = 16;
/** What one attempt to reach a server may take. */
const REACH_MS = 2_000;
/** After this long without a byte an operation is given up; whoever froze is noticed sooner, by the heartbeat. */
const SILENCE_MS = 5_000;
/** The whole of an operation: the driver can wait for ever for a socket that was closed while it prepared the command. */
export const OPERATION_MS = 10_000;

const tlsOptions = ({ ca, cert, key }: Tls): MongoClientOptions => ({
  tls: true,
  ...(ca === null ? {} : { ca }),
  ...(cert === null ? {} : { cert }),
  ...(key === null ? {} : { key }),
});

/** Again in the words of a connection string, which count for more than the driver's own. */
const promised = { w: "majority", journal: true, readConcernLevel: "majority" } as const;

/**
 * Written means written by a majority and in its journal; read is what a majority has, from the primary.
 * The driver sends no write a second time: a write may be conditional, and the answer to the second would hide that the
 * first was applied. What happened is found out above the driver, by the ids in the document.
 */
export function mongoOptions({ user, password, tls }: MongoConfig): MongoClientOptions {
  return {
    appName: "comptoir",
    writeConcern: { w: "majority", journal: true },
    readConcern: { level: "majority" },
    ...promised,
    readPreference: "primary",
    retryWrites: false,
    retryReads: true,
    ignoreUndefined: true,
    maxPoolSize: POOL,
    minPoolSize: 1,
    serverSelectionTimeoutMS: REACH_MS,
    connectTimeoutMS: REACH_MS,
    waitQueueTimeoutMS: REACH_MS,
    heartbeatFrequencyMS: REACH_MS,
    socketTimeoutMS: SILENCE_MS,
    ...(user === null ? {} : { auth: { username: user, ...(password === null ? {} : { password }) } }),
    ...(tls === null ? {} : tlsOptions(tls)),
  };
}

/** Of the server: it is not the primary, is going down, or gave up for lack of time. Source: the driver's retryable errors. */
const passing = new Set([6, 7, 50, 64, 89, 91, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436]);

/** The server's code for an error; undefined for one of the network or the driver. */
export const serverCode = (error: unknown): number | undefined =>
  error instanceof MongoServerError && typeof error.code === "number" ? error.code : undefined;

/** Of a socket; the driver does not wrap all of them. */
const isSocketError = (error: unknown): boolean =>
  typeof error === "object" &&
  error !== null &&
  "code" in error &&
  typeof error.code === "string" &&
  /^(E[A-Z]{3,}|ERR_(SOCKET|STREAM)_\w+)$/.test(error.code);

/** Whether another attempt later may succeed: everything but a server's definite refusal and our own mistakes. */
function isAway(error: unknown): boolean {
  const code = serverCode(error);
  if (code !== undefined) return passing.has(code);
  if (!(error instanceof MongoError)) return isSocketError(error);
  return !(error instanceof MongoServerError) && !(error instanceof MongoInvalidArgumentError);
}

/** What a caller is told when the store does not answer; any other error as it is. */
export function toAway(error: unknown): unknown {
  if (!isAway(error)) return error;
  const away = fail("SERVICE_UNAVAILABLE", "The database does not answer: try again", { retryAfter: 1 });
  away.cause = error;
  return away;
}

/** Beyond the driver's own bound, which does not hold everywhere: a caller that waits for ever would hold up all behind it. */
const HANGS_MS = OPERATION_MS + 2_000;

/**
 * With a timer that is taken back, and not by a clock's sleep: of thousands of operations a second none may leave one behind.
 * @throws MongoOperationTimeoutError when it takes too long: what becomes of it is unknown then.
 */
export async function bounded<T>(operation: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new MongoOperationTimeoutError(`No end after ${String(HANGS_MS)} ms`));
  }, HANGS_MS);
  try {
    return await Promise.race([operation, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** For reads: nothing happened, so the caller may simply try again. */
export async function reading<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await bounded(read());
  } catch (error) {
    throw toAway(error);
  }
}

/** One line, without the user and password that a connection string may hold. */
export function describeError(error: unknown, { url, password }: MongoConfig): string {
  const tried = error instanceof MongoServerSelectionError ? [...(error.reason?.servers.values() ?? [])] : [];
  const causes = tried.flatMap(server => (server.error === null ? [] : [server.error.message]));
  const said =
    causes.length > 0 ? [...new Set(causes)].join("; ") : error instanceof Error ? error.message : String(error);
  const text = said.replaceAll(/\s*\n\s*/g, " ");
  const inUrl = /^[^/]+\/\/(?:[^/@]*:)?([^/@]+)@/.exec(url)?.[1];
  return [password, inUrl].reduce<string>((shown, secret) => (secret ? shown.replaceAll(secret, "***") : shown), text);
}

/** The hosts of a connection string, as a person may see them. */
export const mongoHosts = (url: string): string => url.replace(/^[^/]+\/\/(?:[^/]*@)?/, "").replace(/[/?].*$/s, "");

/** Any user may ask for the databases that it may see, but nobody without a login; `ping` is answered to everybody. */
const AS_USER = { listDatabases: 1, nameOnly: true } as const;

/**
 * One attempt to reach the server and be let in; ends within about two seconds.
 * @throws StartupError with the reason in one line
 */
export async function checkMongo(config: MongoConfig): Promise<void> {
  let client: MongoClient | null = null;
  try {
    client = new MongoClient(config.url, { ...mongoOptions(config), minPoolSize: 0, maxPoolSize: 1 });
    await client.connect();
    await client.db("admin").command(AS_USER);
  } catch (error) {
    throw new StartupError(describeError(error, config), { cause: error });
  } finally {
    await client?.close();
  }
}
