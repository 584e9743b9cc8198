// What account answers.
import { reusedKey } from "../../core/commands.ts";
import type { accountActions } from "../../core/contracts/account.ts";
import type { Params } from "../../core/contracts/index.ts";
import { present, verdictOf } from "../../core/decisions.ts";
import { deriveId } from "../../core/derive-id.ts";
import { fail, toError } from "../../core/errors.ts";
import { timestamp, type Clock } from "../../core/kernel/clock.ts";
import { commandId, type Request } from "../../core/request.ts";
import type { HandlersOf } from "../../core/service.ts";
import { keep, write, type DocumentStore } from "../../core/store/port.ts";
import {
  administrator,
  decideRegister,
  evolveWith,
  isAdministrator,
  normalEmail,
  type AccountRecord,
} from "./account.domain.ts";
import { loginsBy } from "./account.metrics.ts";
import type { Passwords } from "./account.passwords.ts";
import { accountView } from "./account.schema.ts";
import type { Tokens } from "./account.tokens.ts";

export interface AccountDeps {
  readonly accounts: DocumentStore<AccountRecord>;
  readonly passwords: Passwords;
  readonly tokens: Tokens;
  readonly clock: Clock;
}

/** The id is the address, so that no address has two accounts. */
const accountIdOf = (email: string): string => deriveId("account", normalEmail(email));

/** So that a read right after sees the customer. */
async function ensureCustomer(customer: Params<"v1.customer.ensure">, request: Request): Promise<void> {
  try {
    await request.call("v1.customer.ensure", customer);
  } catch {
    // The account stands and its event is stored with it: customer makes the customer when account.registered.v1 comes.
  }
}

/** The password itself tells whether a repeat asks for the same: no fast hash of it is kept. */
async function checkRepeat(
  passwords: Passwords,
  first: AccountRecord,
  { password, name }: { password: string; name: string },
): Promise<void> {
  if (first.name === name && (await passwords.verify(password, first.passwordHash))) return;
  throw toError(reusedKey);
}

export function accountHandlers({
  accounts,
  passwords,
  tokens,
  clock,
}: AccountDeps): HandlersOf<typeof accountActions> {
  return {
    "v1.account.login": async ({ email, password }) => {
      const account = await accounts.load(accountIdOf(email));
      const isRight = await passwords.verify(password, account?.state.passwordHash ?? null);
      loginsBy[account !== null && isRight ? "ok" : "refused"].inc();
      if (account === null || !isRight) throw fail("UNAUTHENTICATED", "The e-mail or the password is wrong");
      const { scopes, customerId } = account.state;
      return tokens.issue({ kind: "user", id: account.id, scopes, customerId });
    },

    "v1.account.register": async ({ email: given, password, name }, request) => {
      const email = normalEmail(given);
      const accountId = accountIdOf(email);
      const command = request.idempotency === null ? null : commandId(request, () => accountId);
      const existing = await accounts.load(accountId);
      if (existing !== null && command !== null && existing.state.command === command) {
        await checkRepeat(passwords, existing.state, { password, name });
        return { replayed: true, resource: accountView(existing) };
      }
      const registration = { accountId, customerId: deriveId("customer", accountId), email, name };
      const evolve = evolveWith({ passwordHash: await passwords.hash(password), at: timestamp(clock.now()), command });
      const { document } = await accounts.update(
        accountId,
        current =>
          verdictOf(current?.state ?? null, decideRegister(current?.state ?? null, registration), evolve, null),
        { deadline: request.deadline },
      );
      await ensureCustomer({ id: registration.customerId, name, email }, request);
      return { replayed: false, resource: accountView(present(document)) };
    },

    "v1.account.jwks": async () => ({ keys: await tokens.publicKeys() }),
  };
}

/**
 * Makes the administrator's account, or brings it up to this password and all scopes of this release. A drawn password
 * replaces no other: of nodes that each drew one, the first write counts. Resolves with whether this password is it.
 */
export async function ensureAdministrator(
  { accounts, passwords, clock }: Pick<AccountDeps, "accounts" | "passwords" | "clock">,
  { email: given, password, isDrawn = false }: { email: string; password: string; isDrawn?: boolean },
): Promise<boolean> {
  const email = normalEmail(given);
  const existing = await accounts.load(accountIdOf(email));
  const isCurrent = existing !== null && isAdministrator(existing.state);
  if (isCurrent && (await passwords.verify(password, existing.state.passwordHash))) return true;
  if (isCurrent && isDrawn) return false;
  const passwordHash = await passwords.hash(password);
  const now = timestamp(clock.now());
  const { result } = await accounts.update(accountIdOf(email), current =>
    isDrawn && current !== null && isAdministrator(current.state)
      ? keep(false)
      : write(administrator({ email, passwordHash, createdAt: current?.state.createdAt ?? now }), [], true),
  );
  return result;
}
