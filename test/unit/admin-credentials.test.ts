import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { credentialsFile, readCredentials, resolveAdmin } from "../../core/admin-credentials.ts";
import { loadConfig } from "../../core/config.ts";

describe("The administrator's password", () => {
  let data: string;
  const resolved = (environment: Record<string, string> = {}) =>
    resolveAdmin(loadConfig([], { COMPTOIR_DATA: data, ...environment }));
  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), "comptoir-admin-"));
  });
  afterEach(() => {
    rmSync(data, { recursive: true });
  });

  it("is made at the first start, kept for its owner only, and found at the next", () => {
    const first = resolved();
    expect(first.made).toBe(true);
    expect(first.config.admin.password).toMatch(/^[\w-]{24}$/);
    expect(statSync(credentialsFile(data)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(credentialsFile(data), "utf8"))).toEqual(first.config.admin);
    expect(resolved()).toEqual({ ...first, made: false });
  });

  it("is the configured one when there is one, and then nothing is kept", () => {
    const { config, made } = resolved({ COMPTOIR_ADMIN_PASSWORD: "given" });
    expect([config.admin.password, made]).toEqual(["given", false]);
    expect(readCredentials(data)).toBeUndefined();
  });

  it("stays when the administrator's address changes", () => {
    const { password } = resolved().config.admin;
    const renamed = resolved({ COMPTOIR_ADMIN_EMAIL: "boss@example.org" });
    expect(renamed).toMatchObject({ made: false, config: { admin: { email: "boss@example.org", password } } });
    expect(readCredentials(data)).toEqual({ email: "boss@example.org", password });
  });

  it.each(["", "{", "null", '{"email":"a@b"}', '{"email":"a@b","password":""}'])("is not made anew over %j", text => {
    writeFileSync(credentialsFile(data), text);
    expect(() => resolved()).toThrow(/admin-credentials\.json .*restore it, or set COMPTOIR_ADMIN_PASSWORD/);
  });
});
