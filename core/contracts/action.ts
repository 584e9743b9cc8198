// What a contract says about one action. Types, validation, authorisation, REST route and OpenAPI all come from it.
import type { Static, TSchema } from "typebox";

export const scopes = [
  "products:write",
  "inventory:read",
  "inventory:write",
  "customers:read",
  "customers:write",
  "orders:read",
  "orders:write",
  "orders:fulfil",
  "orders:import",
  "billing:read",
  "billing:write",
  "notifications:read",
  "ops:read",
  "ops:write",
] as const;
export type Scope = (typeof scopes)[number];

/** Who may call: anyone, only other services, or a principal that has the scope. */
export type Auth = "public" | "internal" | Scope;

export interface Rest {
  readonly method: "GET" | "POST" | "PATCH";
  /** As in OpenAPI: /v1/products/{sku}. Path, query (GET) and body (others) together are the action's parameters. */
  readonly path: string;
  readonly summary: string;
  /** 200 unless said otherwise. "order" answers 202 while the order is PENDING, else 201. */
  readonly status?: 201 | "order";
  /** Whether the call takes an Idempotency-Key; the result then is `Keyed<…>`. */
  readonly key?: "required" | "optional";
  /** Needs If-Match with the object's ETag. What has a `version` is answered with it as ETag. */
  readonly ifMatch?: true;
  /** Location of what was made: a path with {field} taken from the answer. */
  readonly location?: string;
}

export interface ActionContract<P extends TSchema = TSchema, R extends TSchema = TSchema> {
  readonly params: P;
  readonly result: R;
  readonly auth: Auth;
  /** Safe to repeat without a key: a read. What is repeated besides stands in core/resilience.ts. */
  readonly read?: true;
  readonly rest?: Rest;
}

export const action = <P extends TSchema, R extends TSchema>(contract: ActionContract<P, R>): ActionContract<P, R> =>
  contract;

export type ActionMap = Readonly<Record<string, ActionContract>>;
export type ParamsOf<A extends ActionContract> = Static<A["params"]>;
export type ResultOf<A extends ActionContract> = Static<A["result"]>;
