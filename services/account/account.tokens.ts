// Signs access tokens. The key is in the store, so that every instance and every restart signs with the same one.
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, SignJWT, type JWK } from "jose";
import type { Token } from "../../core/contracts/account.ts";
import type { Clock } from "../../core/kernel/clock.ts";
import type { Principal } from "../../core/request.ts";
import { keep, write, type DocumentStore } from "../../core/store/port.ts";
import { claimsOf, TOKEN_LIFETIME_SECONDS, tokenAlgorithm, tokenAudience, tokenIssuer } from "../../core/tokens.ts";
import type { SigningKey } from "./account.schema.ts";

export interface Tokens {
  issue(user: Extract<Principal, { kind: "user" }>): Promise<Token>;
  /** The public keys as JSON Web Keys (RFC 7517). */
  publicKeys(): Promise<JWK[]>;
}

const KEY_ID = "signing";

async function generate(): Promise<SigningKey> {
  const pair = await generateKeyPair(tokenAlgorithm, { extractable: true });
  const publicJwk = await exportJWK(pair.publicKey);
  return { kid: await calculateJwkThumbprint(publicJwk), privateJwk: await exportJWK(pair.privateKey), publicJwk };
}

/** Of instances that start at the same moment the first write makes the key; the others take that one. */
async function storedKey(keys: DocumentStore<SigningKey>): Promise<SigningKey> {
  const existing = await keys.load(KEY_ID);
  if (existing !== null) return existing.state;
  const candidate = await generate();
  const { result } = await keys.update(KEY_ID, current =>
    current === null ? write(candidate, [], candidate) : keep(current.state),
  );
  return result;
}

export function storedTokens(keys: DocumentStore<SigningKey>, clock: Clock): Tokens {
  let known: SigningKey | null = null;
  const signingKey = async () => (known ??= await storedKey(keys));

  return {
    async issue(user) {
      const { kid, privateJwk } = await signingKey();
      const now = Math.floor(clock.now() / 1000);
      const accessToken = await new SignJWT(claimsOf(user))
        .setProtectedHeader({ alg: tokenAlgorithm, kid, typ: "JWT" })
        .setIssuer(tokenIssuer)
        .setAudience(tokenAudience)
        .setIssuedAt(now)
        .setExpirationTime(now + TOKEN_LIFETIME_SECONDS)
        .sign(await importJWK(privateJwk, tokenAlgorithm));
      return { accessToken, tokenType: "Bearer", expiresIn: TOKEN_LIFETIME_SECONDS };
    },

    async publicKeys() {
      const { kid, publicJwk } = await signingKey();
      return [{ ...publicJwk, kid, alg: tokenAlgorithm, use: "sig" }];
    },
  };
}
