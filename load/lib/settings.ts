// What a run is told from outside. scripts/load/main.ts and docker-compose.yml set these variables.
const raw = (name: string): string | undefined => __ENV[name] || undefined;

/** Every problem names the variable, what it is and what would be right. */
function positive(name: string, fallback: number): number {
  const text = raw(name);
  const value = text === undefined ? fallback : Number(text);
  if (!(value > 0)) throw new Error(`${name} is "${String(text)}": it must be a number above 0`);
  return value;
}

/** Seconds of "90s", "10m", "2h" or a bare number of seconds. */
function seconds(name: string, fallback: number): number {
  const text = raw(name);
  if (text === undefined) return fallback;
  const [, count, unit = "s"] = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(text) ?? [];
  const value = Number(count) * { s: 1, m: 60, h: 3600 }[unit as "s" | "m" | "h"];
  if (!(value >= 1)) throw new Error(`LOAD_DURATION is "${text}": it must be 1s or more, such as 90s, 10m or 2h`);
  return value;
}

interface Credentials {
  readonly email: string;
  readonly password: string;
}

/** From the variables, or from the file that a shop makes at its first start. */
function credentials(): Credentials {
  const password = raw("LOAD_PASSWORD");
  if (password !== undefined) return { email: raw("LOAD_EMAIL") ?? "admin@comptoir.local", password };
  const file = raw("LOAD_CREDENTIALS_FILE");
  if (file !== undefined) return JSON.parse(open(file)) as Credentials;
  throw new Error("Nobody to log in as: set LOAD_PASSWORD (and LOAD_EMAIL), or LOAD_CREDENTIALS_FILE");
}

export interface Defaults {
  /** Iterations per second. */
  readonly rate: number;
  /** Seconds. */
  readonly duration: number;
}

export interface Settings extends Defaults {
  readonly url: string;
  readonly credentials: Credentials;
  /** SKUs that orders are spread over. */
  readonly skus: number;
  /** Units of the one SKU of a flash sale. */
  readonly stock: number;
}

/** A run's name, k6's `testid`: each virtual user would make another one, and only the one in the options counts. */
export const testid = (): string => raw("LOAD_RUN") ?? `run${Date.now().toString(36)}`;

export const settings = (defaults: Defaults): Settings => ({
  url: (raw("LOAD_URL") ?? "http://127.0.0.1:3000").replace(/\/+$/, ""),
  credentials: credentials(),
  rate: positive("LOAD_RATE", defaults.rate),
  duration: seconds("LOAD_DURATION", defaults.duration),
  skus: positive("LOAD_SKUS", 100),
  stock: positive("LOAD_STOCK", 200),
});
