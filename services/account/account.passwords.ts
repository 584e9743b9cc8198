// Password hashing with scrypt, in Node's thread pool.
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

export interface Passwords {
  hash(password: string): Promise<string>;
  /** Takes the same time without a stored hash, and then answers false: nobody learns whether an account exists. */
  verify(password: string, stored: string | null): Promise<boolean>;
}

interface Cost {
  /** Binary logarithm of N. */
  readonly ln: number;
  readonly r: number;
  readonly p: number;
}

/** Of the equally strong settings the one that needs least memory, 16 MiB. Source: OWASP Password Storage Cheat Sheet. */
const COST: Cost = { ln: 14, r: 8, p: 5 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;

const derive = promisify<string, Buffer, number, object, Buffer>(scrypt);

const run = (password: string, salt: Buffer, { ln, r, p }: Cost): Promise<Buffer> =>
  // NFKC: the same characters typed on different keyboards (NIST SP 800-63B, 5.1.1.2). Twice what scrypt needs is allowed.
  derive(password.normalize("NFKC"), salt, HASH_BYTES, { N: 2 ** ln, r, p, maxmem: 256 * r * (2 ** ln + p + 2) });

const base64 = (bytes: Buffer): string => bytes.toString("base64").replace(/=+$/, "");

/** PHC string format: the hash carries its parameters, so that they can be raised without losing anyone's password. */
function encode({ ln, r, p }: Cost, salt: Buffer, hash: Buffer): string {
  return `$scrypt$ln=${String(ln)},r=${String(r)},p=${String(p)}$${base64(salt)}$${base64(hash)}`;
}

function decode(stored: string): { cost: Cost; salt: Buffer; hash: Buffer } {
  const parts = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([^$]+)\$([^$]+)$/.exec(stored);
  if (parts === null) throw new Error("A stored password hash is not in PHC string format for scrypt");
  const [, ln, r, p, salt = "", hash = ""] = parts;
  const cost = { ln: Number(ln), r: Number(r), p: Number(p) };
  return { cost, salt: Buffer.from(salt, "base64"), hash: Buffer.from(hash, "base64") };
}

const nobody = { cost: COST, salt: Buffer.alloc(SALT_BYTES), hash: Buffer.alloc(HASH_BYTES) };

export const scryptPasswords: Passwords = {
  async hash(password) {
    const salt = randomBytes(SALT_BYTES);
    return encode(COST, salt, await run(password, salt, COST));
  },

  async verify(password, stored) {
    const { cost, salt, hash } = stored === null ? nobody : decode(stored);
    const isEqual = timingSafeEqual(await run(password, salt, cost), hash);
    return isEqual && stored !== null;
  },
};
