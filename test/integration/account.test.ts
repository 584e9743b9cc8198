import { beforeEach, describe, expect, it } from "@jest/globals";
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from "jose";
import { scopes } from "../../core/contracts/action.ts";
import type { Request } from "../../core/request.ts";
import { principalOf, tokenAudience, tokenIssuer } from "../../core/tokens.ts";
import { accountHandlers, ensureAdministrator } from "../../services/account/account.handlers.ts";
import { scryptPasswords } from "../../services/account/account.passwords.ts";
import { accountCollection, keyCollection } from "../../services/account/account.schema.ts";
import { storedTokens } from "../../services/account/account.tokens.ts";
import { asStaff, memoryEnvironment } from "../support/requests.ts";

const PASSWORD = "correct horse battery";
const ann = { email: "Ann@Example.org", password: PASSWORD, name: "Ann" };
const admin = { email: "admin@comptoir.local", password: PASSWORD };

type Environment = ReturnType<typeof memoryEnvironment>;

/** One instance of the service; open another on the same environment for a second one. */
function instance({ open, clock }: Environment) {
  const database = open();
  const accounts = database.collection(accountCollection);
  const tokens = storedTokens(database.collection(keyCollection), clock);
  const deps = { accounts, passwords: scryptPasswords, tokens, clock };
  return { deps, accounts, tokens, handlers: accountHandlers(deps) };
}

function caller(answer: "takes it" | "is away") {
  const calls: unknown[] = [];
  const request: Partial<Request> = {
    principal: { kind: "anonymous" },
    call: (action, params) => {
      calls.push([action, params]);
      return answer === "takes it" ? Promise.resolve({} as never) : Promise.reject(new Error("away"));
    },
  };
  return { calls, request: asStaff(request) };
}

describe("account", () => {
  let environment: Environment;
  let service: ReturnType<typeof instance>;
  beforeEach(() => {
    environment = memoryEnvironment();
    service = instance(environment);
  });
  const login = (email: string, password: string, by = service) =>
    by.handlers["v1.account.login"]({ email, password }, asStaff());
  const register = async (answer: Parameters<typeof caller>[0] = "takes it") =>
    (await service.handlers["v1.account.register"](ann, caller(answer).request)).resource;

  /** As a gateway reads a token: with the published keys, at the service's time. */
  async function read(token: string, by = service) {
    const jwks = await by.handlers["v1.account.jwks"]({}, asStaff());
    const { payload } = await jwtVerify(token, createLocalJWKSet(jwks), {
      issuer: tokenIssuer,
      audience: tokenAudience,
      currentDate: new Date(environment.clock.now()),
    });
    return principalOf(payload);
  }

  describe("register", () => {
    it("makes an account that may act for its own customer, and asks customer to make that one", async () => {
      const { calls, request } = caller("takes it");
      const { resource: account } = await service.handlers["v1.account.register"](ann, request);
      expect(account).toMatchObject({ email: "ann@example.org", name: "Ann", createdAt: "2026-01-01T00:00:00.000Z" });
      expect(account.scopes).not.toContain("orders:import");
      expect(calls).toEqual([
        ["v1.customer.ensure", { id: account.customerId, name: "Ann", email: "ann@example.org" }],
      ]);
      await expect(service.accounts.pending(10)).resolves.toMatchObject([
        { type: "account.registered.v1", data: { accountId: account.id, customerId: account.customerId } },
      ]);
    });

    it("stands when customer is away: the event will make the customer", async () => {
      await expect(register("is away")).resolves.toMatchObject({ name: "Ann" });
      await expect(service.accounts.pending(10)).resolves.toHaveLength(1);
    });

    it("gives one address one account, however it is written", async () => {
      await register();
      const again = { ...ann, email: " ANN@example.ORG" };
      await expect(service.handlers["v1.account.register"](again, caller("takes it").request)).rejects.toMatchObject({
        type: "EMAIL_EXISTS",
        code: 409,
      });
    });

    it("answers a repeat with its key as the first time, and refuses the key for another password or name", async () => {
      const keyed = { ...caller("takes it").request, idempotency: { key: "k", fingerprint: "not kept" } };
      const ask = (changes: Partial<typeof ann> = {}) =>
        service.handlers["v1.account.register"]({ ...ann, ...changes }, keyed);
      const first = await ask();
      await expect(ask()).resolves.toEqual({ replayed: true, resource: first.resource });
      for (const other of [{ password: "another password" }, { name: "Anna" }]) {
        await expect(ask(other)).rejects.toMatchObject({ type: "IDEMPOTENCY_KEY_REUSED" });
      }
      await expect(register()).rejects.toMatchObject({ type: "EMAIL_EXISTS" });
    });

    it("stores and tells no password, neither in the account nor in the event", async () => {
      const account = await register();
      const stored = await service.accounts.load(account.id);
      expect(JSON.stringify([account, stored, await service.accounts.pending(10)])).not.toContain(PASSWORD);
      expect(JSON.stringify([account, await service.accounts.pending(10)])).not.toContain("$scrypt$");
    });
  });

  describe("login", () => {
    it("gives a token for an hour that says who, which customer and which scopes", async () => {
      const account = await register();
      const token = await login("ann@EXAMPLE.org", PASSWORD);
      expect(token).toMatchObject({ tokenType: "Bearer", expiresIn: 3600 });
      await expect(read(token.accessToken)).resolves.toEqual({
        kind: "user",
        id: account.id,
        scopes: account.scopes,
        customerId: account.customerId,
      });
      await environment.clock.advance(3600_000);
      await expect(read(token.accessToken)).rejects.toMatchObject({ code: "ERR_JWT_EXPIRED" });
    });

    it("says the same in about the same time whether the account exists or not", async () => {
      await register();
      const attempt = async (email: string) => {
        const start = performance.now();
        const error: unknown = await login(email, "wrong password").catch((thrown: unknown) => thrown);
        return { error, took: performance.now() - start };
      };
      const wrong = await attempt("ann@example.org");
      const unknown = await attempt("nobody@example.org");
      expect(wrong.error).toMatchObject({ type: "UNAUTHENTICATED", code: 401 });
      expect(unknown.error).toEqual(wrong.error);
      expect(unknown.took).toBeGreaterThan(wrong.took / 3);
    });
  });

  describe("signing keys", () => {
    it("are the same for instances that start at the same moment, and after a restart", async () => {
      const [one, two] = [instance(environment), instance(environment)];
      const [first, second] = await Promise.all([one.tokens.publicKeys(), two.tokens.publicKeys()]);
      expect(second).toEqual(first);
      await register();
      const { accessToken } = await login("ann@example.org", PASSWORD, one);
      await expect(read(accessToken, instance(environment))).resolves.toMatchObject({ kind: "user" });
      expect(decodeProtectedHeader(accessToken)).toMatchObject({ alg: "EdDSA", kid: first[0]?.kid });
    });

    it("are published without their private part", async () => {
      const { keys } = await service.handlers["v1.account.jwks"]({}, asStaff());
      expect(keys).toHaveLength(1);
      expect(Object.keys(keys[0] ?? {}).sort()).toEqual(["alg", "crv", "kid", "kty", "use", "x"]);
    });
  });

  describe("the administrator", () => {
    it("has every scope and no customer", async () => {
      await ensureAdministrator(service.deps, admin);
      const { accessToken } = await login(admin.email, PASSWORD);
      await expect(read(accessToken)).resolves.toMatchObject({ scopes, customerId: null });
      await expect(service.accounts.pending(10)).resolves.toEqual([]);
    });

    it("is not written again at the next start", async () => {
      await ensureAdministrator(service.deps, admin);
      await ensureAdministrator(service.deps, admin);
      const { items } = await service.accounts.list({ limit: 10 });
      expect(items.map(({ version }) => version)).toEqual([1]);
    });

    it("has one of the passwords that nodes drew which started at the same moment, and keeps it", async () => {
      const nodes = ["drawn by one", "drawn by two"].map(password => ({
        drawn: { ...admin, password, isDrawn: true },
        deps: instance(environment).deps,
      }));
      const start = () => Promise.all(nodes.map(({ deps, drawn }) => ensureAdministrator(deps, drawn)));
      const first = await start();
      expect(first.toSorted()).toEqual([false, true]);
      expect(await start()).toEqual(first);
      const logins = await Promise.allSettled(nodes.map(({ drawn }) => login(admin.email, drawn.password)));
      expect(logins.map(({ status }) => status === "fulfilled")).toEqual(first);
      await expect(ensureAdministrator(service.deps, admin)).resolves.toBe(true);
      await expect(login(admin.email, PASSWORD)).resolves.toMatchObject({ tokenType: "Bearer" });
    });

    it("has only the new password after it was changed", async () => {
      await ensureAdministrator(service.deps, admin);
      await ensureAdministrator(service.deps, { ...admin, password: "another password" });
      await expect(login(admin.email, "another password")).resolves.toMatchObject({ tokenType: "Bearer" });
      await expect(login(admin.email, PASSWORD)).rejects.toMatchObject({ type: "UNAUTHENTICATED" });
    });
  });
});
