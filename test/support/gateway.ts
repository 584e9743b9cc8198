// A gateway on a free port in front of stub services that answer as a test says, and tokens that it accepts.
import type { AddressInfo } from "node:net";
import type { Server } from "node:http";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { ServiceBroker, type BrokerOptions, type Service } from "moleculer";
import type { Config } from "../../core/config.ts";
import type { ActionMap } from "../../core/contracts/action.ts";
import { actions as contracts, type ActionName } from "../../core/contracts/index.ts";
import type { Environment } from "../../core/environment.ts";
import { Health } from "../../core/health.ts";
import { authorisation } from "../../core/middlewares/authorisation.ts";
import { ContractValidator } from "../../core/middlewares/validator.ts";
import type { Principal, Request } from "../../core/request.ts";
import { implement, type HandlersOf } from "../../core/service.ts";
import { systemClock, systemRandom } from "../../core/system.ts";
import { claimsOf } from "../../core/tokens.ts";
import { createService as createGateway } from "../../services/gateway/gateway.service.ts";
import { createService as createRegistry } from "../../services/registry/registry.service.ts";
import { testConfig } from "./config.ts";

const environmentOf = (changes: Partial<Config>): Environment => ({
  config: { ...testConfig, ...changes },
  clock: systemClock,
  random: systemRandom,
  health: new Health(systemClock),
  database: () => {
    throw new Error("The gateway keeps nothing");
  },
});

const brokerOptions = (): BrokerOptions => ({
  logger: false,
  validator: new ContractValidator(),
  internalMiddlewares: false,
  middlewares: ["ActionHook", "Validator", authorisation, "Timeout", "CircuitBreaker", "ErrorHandler"],
  requestTimeout: 15_000,
  contextParamsCloning: false,
});

/** What a stub does with a call; it stands for the whole service. */
type Stub = (params: never, request: Request) => unknown;
export type Stubs = Partial<Record<ActionName, Stub>>;

/** One Moleculer service per name, with the contract's own validation, scope and visibility. */
export function addStubs(broker: ServiceBroker, stubs: Stubs): Service[] {
  const names = Object.keys(stubs) as ActionName[];
  const groups = Map.groupBy(names, name => name.split(".")[1] ?? "");
  return [...groups].map(([service, group]) => {
    const map: ActionMap = Object.fromEntries(group.map(name => [name, contracts[name]]));
    const handlers = Object.fromEntries(
      group.map(name => [name, (params: unknown, request: Request) => stubs[name]?.(params as never, request)]),
    );
    return broker.createService({
      name: service,
      version: 1,
      actions: implement(map, handlers as unknown as HandlersOf<ActionMap>),
    });
  });
}

type User = Extract<Principal, { kind: "user" }>;
export const staff = (...scopes: User["scopes"]): User => ({ kind: "user", id: "staff-1", scopes, customerId: null });

export interface Signer {
  readonly kid: string;
  jwk(): Promise<Record<string, unknown>>;
  sign(user: User, changes?: { issuer?: string; audience?: string; expiresAt?: number }): Promise<string>;
}

export async function signer(kid: string): Promise<Signer> {
  const pair = await generateKeyPair("EdDSA", { extractable: true });
  return {
    kid,
    jwk: async () => ({ ...(await exportJWK(pair.publicKey)), kid, alg: "EdDSA", use: "sig" }),
    sign: (user, { issuer = "comptoir", audience = "comptoir", expiresAt = Date.now() / 1000 + 900 } = {}) =>
      new SignJWT(claimsOf(user))
        .setProtectedHeader({ alg: "EdDSA", kid })
        .setIssuer(issuer)
        .setAudience(audience)
        .setExpirationTime(Math.floor(expiresAt))
        .sign(pair.privateKey),
  };
}

export interface TestGateway {
  readonly broker: ServiceBroker;
  readonly url: string;
  readonly signer: Signer;
  /** Replaces what an action does; the rest stays. */
  readonly stubs: Stubs;
  bearer(...scopes: User["scopes"]): Promise<Record<string, string>>;
  get(path: string, headers?: Record<string, string>): Promise<Response>;
  send(method: string, path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  stop(): Promise<void>;
}

/** The actions that exist are those of `stubs`; what each does is looked up at the call. */
export async function startGateway(stubs: Stubs, changes: Partial<Config> = {}): Promise<TestGateway> {
  const broker = new ServiceBroker(brokerOptions());
  const key = await signer("first");
  const all: Stubs = { ...stubs, "v1.account.jwks": async () => ({ keys: [await key.jwk()] }) };
  const forwarding = Object.keys(all).map(name => [
    name,
    (params: never, request: Request) => all[name as ActionName]?.(params, request),
  ]);
  addStubs(broker, Object.fromEntries(forwarding) as Stubs);
  broker.createService(createRegistry(environmentOf(changes)));
  const gateway = broker.createService(createGateway(environmentOf(changes)) as never) as Service & { server: Server };
  await broker.start();
  const url = `http://127.0.0.1:${String((gateway.server.address() as AddressInfo).port)}`;
  return {
    broker,
    url,
    signer: key,
    stubs: all,
    bearer: async (...scopes) => ({ authorization: `Bearer ${await key.sign(staff(...scopes))}` }),
    get: (path, headers = {}) => fetch(`${url}${path}`, { headers }),
    send: (method, path, body, headers = {}) =>
      fetch(`${url}${path}`, {
        method,
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body),
      }),
    stop: () => broker.stop(),
  };
}
