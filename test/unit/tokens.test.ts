import { describe, expect, it } from "@jest/globals";
import { claimsOf, principalOf } from "../../core/tokens.ts";

const user = { kind: "user", id: "a1", scopes: ["orders:read", "billing:read"], customerId: "c1" } as const;

describe("the claims of a token", () => {
  it.each([user, { ...user, customerId: null }, { ...user, scopes: [] }])(
    "come back as the principal %j",
    principal => {
      expect(principalOf(claimsOf(principal))).toEqual(principal);
    },
  );

  it("lose scopes that nobody knows", () => {
    expect(principalOf({ sub: "a1", scope: "orders:read root", customerId: null })).toMatchObject({
      scopes: ["orders:read"],
    });
  });

  it.each([
    { scope: "orders:read", customerId: null },
    { sub: "", scope: "orders:read", customerId: null },
    { sub: "a1", customerId: null },
    { sub: "a1", scope: "orders:read" },
    { sub: "a1", scope: "orders:read", customerId: 7 },
  ])("make nobody when they are not whole: %j", claims => {
    expect(principalOf(claims)).toBeNull();
  });
});
