// Who has an account, and what it may do.
import { scopes, type Scope } from "../../core/contracts/action.ts";
import type { DomainEvent } from "../../core/contracts/index.ts";
import { accept, refuse, type Decision } from "../../core/kernel/decider.ts";
import { refusal } from "../../core/kernel/errors.ts";

export interface AccountRecord {
  readonly email: string;
  readonly name: string;
  /** In PHC string format. */
  readonly passwordHash: string;
  /** Null for staff. */
  readonly customerId: string | null;
  readonly scopes: readonly Scope[];
  readonly createdAt: string;
  /** The id of the keyed request that registered it. Its fingerprint is not kept: that would be a fast hash over the password. */
  readonly command: string | null;
}

export type Registered = DomainEvent<"account.registered.v1">;
export interface Registration {
  readonly accountId: string;
  readonly customerId: string;
  readonly email: string;
  readonly name: string;
}

/** What everyone who registers may do, each for the own customer only. */
const customerScopes: readonly Scope[] = [
  "orders:read",
  "orders:write",
  "customers:read",
  "customers:write",
  "billing:read",
  "notifications:read",
];

/** One person, one account: addresses that differ in case only are the same mailbox in practice. */
export const normalEmail = (email: string): string => email.trim().normalize("NFC").toLowerCase();

export function decideRegister(existing: AccountRecord | null, registration: Registration): Decision<Registered> {
  if (existing !== null) {
    return refuse(refusal("EMAIL_EXISTS", "An account with this e-mail exists: log in, or take another address"));
  }
  return accept({ type: "account.registered.v1", data: { ...registration } });
}

export const evolveWith =
  (secret: { passwordHash: string; at: string; command: string | null }) =>
  (_state: AccountRecord | null, { data }: Registered): AccountRecord => ({
    email: data.email,
    name: data.name,
    passwordHash: secret.passwordHash,
    customerId: data.customerId,
    scopes: customerScopes,
    createdAt: secret.at,
    command: secret.command,
  });

export const administrator = (admin: Pick<AccountRecord, "email" | "passwordHash" | "createdAt">): AccountRecord => ({
  ...admin,
  name: "Administrator",
  command: null,
  customerId: null,
  scopes,
});

export const isAdministrator = (account: AccountRecord): boolean =>
  account.customerId === null && scopes.every(scope => account.scopes.includes(scope));
