// The only file that reads the environment.

export interface Config {
  readonly mode: "embedded" | "cluster";
  readonly http: { readonly host: string; readonly port: number };
  readonly opsPort: number;
  /** Folder of the embedded databases, absolute. */
  readonly data: string;
  readonly admin: { readonly email: string; readonly password: string | null };
  /** Requests a minute per principal or address; 0 = off. */
  readonly rateLimit: number;
  /** "full" survives power loss; "process" only the death of the process. */
  readonly durability: "full" | "process";
  readonly reservationTtlMs: number;
  readonly sagaLeaseMs: number;
  /** How long ended reservations and command results stay in a stock item: longer than the longest saga and retry. */
  readonly retentionMs: number;
  /** Unpublished events per store above which new work is refused. */
  readonly outboxBound: number;
  /** stock.low.v1 when available falls to this or below. */
  readonly lowStock: number;
  /** The services of this process. */
  readonly services: readonly string[];
  readonly logLevel: "fatal" | "error" | "warn" | "info" | "debug" | "trace";
}
