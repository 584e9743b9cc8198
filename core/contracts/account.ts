import { Type, type Static } from "typebox";
import { action, scopes } from "./action.ts";
import { closed, Keyed, Email, Id, Name, nullable, Timestamp } from "./common.ts";

/** Passwords are hashed, so their length bounds the work an anonymous caller can ask for. */
const Password = Type.String({ minLength: 8, maxLength: 200 });
const GivenPassword = Type.String({ minLength: 1, maxLength: 200 });

export const Account = closed({
  id: Id,
  email: Email,
  name: Name,
  customerId: nullable(Id),
  scopes: Type.Array(Type.Enum([...scopes])),
  createdAt: Timestamp,
});
export type Account = Static<typeof Account>;

export const Token = closed({
  accessToken: Type.String(),
  tokenType: Type.Literal("Bearer"),
  expiresIn: Type.Integer({ description: "Seconds" }),
});
export type Token = Static<typeof Token>;

export const Jwks = Type.Object({ keys: Type.Array(Type.Record(Type.String(), Type.Unknown())) });

export const accountActions = {
  "v1.account.login": action({
    params: closed({ email: Type.String({ minLength: 1, maxLength: 254 }), password: GivenPassword }),
    result: Token,
    auth: "public",
    rest: { method: "POST", path: "/v1/auth/login", summary: "A token for an e-mail and its password" },
  }),
  "v1.account.register": action({
    params: closed({ email: Email, password: Password, name: Name }),
    result: Keyed(Account),
    auth: "public",
    rest: {
      method: "POST",
      path: "/v1/auth/register",
      summary: "Make an account and its customer",
      status: 201,
      key: "optional",
      location: "/v1/customers/{customerId}",
    },
  }),
  "v1.account.jwks": action({
    params: closed({}),
    result: Jwks,
    auth: "public",
    read: true,
    rest: { method: "GET", path: "/.well-known/jwks.json", summary: "The keys that tokens are signed with" },
  }),
};

export const accountEvents = {
  "account.registered.v1": closed({ accountId: Id, customerId: Id, email: Email, name: Name }),
};
