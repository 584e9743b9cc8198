// What account stores: accounts under ids derived from their e-mail, and the key that tokens are signed with.
import type { JWK } from "jose";
import type { Account } from "../../core/contracts/account.ts";
import type { CollectionSpec, Versioned } from "../../core/store/port.ts";
import type { AccountRecord } from "./account.domain.ts";

export const accountCollection: CollectionSpec<AccountRecord> = {
  name: "accounts",
  aggregate: "account",
  indexes: [],
  schemaVersion: 1,
};

export interface SigningKey {
  /** Thumbprint of the public key (RFC 7638). */
  readonly kid: string;
  readonly privateJwk: JWK;
  readonly publicJwk: JWK;
}

export const keyCollection: CollectionSpec<SigningKey> = {
  name: "keys",
  aggregate: "key",
  indexes: [],
  eventless: true,
  schemaVersion: 1,
};

export const accountView = ({ id, state }: Versioned<AccountRecord>): Account => ({
  id,
  email: state.email,
  name: state.name,
  customerId: state.customerId,
  scopes: [...state.scopes],
  createdAt: state.createdAt,
});
