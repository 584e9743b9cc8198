// An authority of a test's own, and what it signed: PEM files in a temporary folder.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface KeyPair {
  readonly cert: string;
  readonly key: string;
  /** Both in one file, the key first, as Kafka wants them. */
  readonly both: string;
}

/** The paths of files. */
export interface Certificates {
  readonly ca: string;
  /** Another authority, that signed nothing here. */
  readonly stranger: string;
  /** For 127.0.0.1 and nothing else. */
  readonly server: KeyPair;
  readonly client: KeyPair;
  remove(): void;
}

export async function makeCertificates(): Promise<Certificates> {
  const folder = mkdtempSync(join(tmpdir(), "comptoir-certificates-"));
  const openssl = (...args: string[]) => run("openssl", args, { cwd: folder });
  const newKey = (name: string) => ["-newkey", "rsa:2048", "-nodes", "-keyout", `${name}.key`, "-subj", `/CN=${name}`];
  const authority = async (name: string): Promise<string> => {
    await openssl("req", "-x509", "-days", "2", ...newKey(name), "-out", `${name}.pem`);
    return join(folder, `${name}.pem`);
  };
  const signed = async (name: string, extensions: string): Promise<KeyPair> => {
    writeFileSync(join(folder, `${name}.ext`), extensions);
    await openssl("req", "-new", ...newKey(name), "-out", `${name}.csr`);
    const by = ["-CA", "authority.pem", "-CAkey", "authority.key", "-CAcreateserial", "-days", "2"];
    await openssl("x509", "-req", "-in", `${name}.csr`, ...by, "-extfile", `${name}.ext`, "-out", `${name}.pem`);
    const pair = { cert: join(folder, `${name}.pem`), key: join(folder, `${name}.key`) };
    const both = join(folder, `${name}.both.pem`);
    writeFileSync(both, readFileSync(pair.key, "utf8") + readFileSync(pair.cert, "utf8"));
    return { ...pair, both };
  };
  const [ca, stranger] = await Promise.all([authority("authority"), authority("stranger")]);
  // One after the other: they take their serial numbers from one file. NATS's nodes are each other's clients.
  const server = await signed("server", "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n");
  const client = await signed("client", "extendedKeyUsage=clientAuth\n");
  return {
    ...{ ca, stranger, server, client },
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
