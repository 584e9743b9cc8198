// Account: users, password login, and the tokens that every gateway accepts.
import type { ServiceSchema } from "moleculer";
import { accountActions } from "../../core/contracts/account.ts";
import { inspections } from "../../core/contracts/audit.ts";
import type { Environment } from "../../core/environment.ts";
import { inspectDocuments, waitingIn } from "../../core/inspection.ts";
import { implement } from "../../core/service.ts";
import { accountHandlers, ensureAdministrator } from "./account.handlers.ts";
import { scryptPasswords } from "./account.passwords.ts";
import { accountCollection, keyCollection } from "./account.schema.ts";
import { storedTokens } from "./account.tokens.ts";

export function createService(env: Environment): ServiceSchema {
  const own = env.database("account");
  const deps = {
    accounts: own.collection(accountCollection),
    passwords: scryptPasswords,
    tokens: storedTokens(own.collection(keyCollection), env.clock),
    clock: env.clock,
  };
  const actions = implement(accountActions, accountHandlers(deps));
  const inspection = implement(inspections.account, {
    "v1.account.inspect": inspectDocuments(deps.accounts),
    "v1.account.waiting": waitingIn(deps.accounts),
  });
  return {
    name: "account",
    version: 1,
    mixins: [own.mixin],
    actions: { ...actions, ...inspection },
    async started() {
      await deps.tokens.publicKeys();
      const { email, password, isDrawn = false } = env.config.admin;
      if (password === null || (await ensureAdministrator(deps, { email, password, isDrawn }))) return;
      this.logger.warn(
        "The administrator has the password of another node: set COMPTOIR_ADMIN_PASSWORD on all of them",
      );
    },
  };
}
