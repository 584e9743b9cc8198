// Before the MongoDB-compatible server, which knows neither TLS nor users: TLS that asks for a client certificate, and a
// login by SCRAM-SHA-256 (RFC 7677), without which only those commands get through that mongod answers to everybody.
import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect, type AddressInfo } from "node:net";
import { once } from "node:events";
import { createServer, type TLSSocket } from "node:tls";
import { BSON } from "mongodb";
import type { Certificates } from "./certificates.ts";

const ITERATIONS = 4_096;
const [OP_QUERY, OP_MSG] = [2004, 2013];
const HEADER = 16;

export interface Login {
  readonly user: string;
  readonly password: string;
}

/** Of those that mongod answers without a login, the ones that a driver or a health check sends. */
const forEverybody = [
  "hello",
  "ismaster",
  "isMaster",
  "ping",
  "buildInfo",
  "buildinfo",
  "connectionStatus",
  "endSessions",
];

type Command = Readonly<Record<string, unknown>>;

/** The command in a message of the wire protocol; a connection begins with OP_QUERY. */
function commandOf(message: Buffer): Command {
  const kind = message.readInt32LE(12);
  const start = kind === OP_MSG ? HEADER + 5 : message.indexOf(0, HEADER + 4) + 9;
  if (kind !== OP_MSG && kind !== OP_QUERY) return {};
  return BSON.deserialize(message.subarray(start, start + message.readInt32LE(start)));
}

function replyTo(request: Buffer, reply: object): Buffer {
  const body = BSON.serialize(reply);
  const message = Buffer.alloc(HEADER + 5 + body.length);
  message.writeInt32LE(message.length, 0);
  message.writeInt32LE(request.readInt32LE(4), 8);
  message.writeInt32LE(OP_MSG, 12);
  message.set(body, HEADER + 5);
  return message;
}

const hmac = (key: Buffer, text: string): Buffer => createHmac("sha256", key).update(text).digest();
const xor = (left: Buffer, right: Buffer): Buffer => Buffer.from(left.map((byte, at) => byte ^ (right[at] ?? 0)));
const payloadOf = ({ payload }: Command): string => Buffer.from((payload as BSON.Binary).buffer).toString();
const attribute = (text: string, name: string): string =>
  text
    .split(",")
    .find(part => part.startsWith(`${name}=`))
    ?.slice(2) ?? "";
const payload = (text: string) => new BSON.Binary(Buffer.from(text));

/** One connection's login. */
class Conversation {
  readonly #login: Login;
  #first = "";
  #nonce = "";
  #challenge = "";
  #isIn = false;

  constructor(login: Login) {
    this.#login = login;
  }

  get isIn(): boolean {
    return this.#isIn;
  }

  /** What the server itself would say; null for what it may see. */
  answer(command: Command): object | null {
    const [name = ""] = Object.keys(command);
    if (forEverybody.includes(name)) return null;
    if (name === "saslStart") return this.#start(command);
    if (name === "saslContinue") return this.#finish(command);
    if (this.#isIn) return null;
    return { ok: 0, code: 13, codeName: "Unauthorized", errmsg: `Command ${name} requires authentication` };
  }

  #start(command: Command): object {
    this.#first = payloadOf(command).replace(/^n,,/, "");
    if (command["mechanism"] !== "SCRAM-SHA-256" || attribute(this.#first, "n") !== this.#login.user) return refused;
    this.#nonce = attribute(this.#first, "r") + randomBytes(18).toString("base64");
    const salt = createHash("sha256").update(this.#login.user).digest("base64");
    this.#challenge = `r=${this.#nonce},s=${salt},i=${String(ITERATIONS)}`;
    return { ok: 1, conversationId: 1, done: false, payload: payload(this.#challenge) };
  }

  #finish(command: Command): object {
    const last = payloadOf(command);
    const salt = Buffer.from(attribute(this.#challenge, "s"), "base64");
    const salted = pbkdf2Sync(this.#login.password, salt, ITERATIONS, 32, "sha256");
    const key = hmac(salted, "Client Key");
    const signed = `${this.#first},${this.#challenge},${last.replace(/,p=[^,]*$/, "")}`;
    const proof = xor(key, hmac(createHash("sha256").update(key).digest(), signed));
    const given = Buffer.from(attribute(last, "p"), "base64");
    const isRight = given.length === proof.length && timingSafeEqual(given, proof);
    if (attribute(last, "r") !== this.#nonce || !isRight) return refused;
    this.#isIn = true;
    const verifier = hmac(hmac(salted, "Server Key"), signed).toString("base64");
    return { ok: 1, conversationId: 1, done: true, payload: payload(`v=${verifier}`) };
  }
}

const refused = { ok: 0, code: 18, codeName: "AuthenticationFailed", errmsg: "Authentication failed." };

function serve(socket: TLSSocket, port: number, login: Login): void {
  const behind = connect(port, "127.0.0.1");
  const conversation = new Conversation(login);
  let rest = Buffer.alloc(0);
  behind.pipe(socket);
  for (const [one, other] of [
    [socket, behind],
    [behind, socket],
  ] as const) {
    one.on("error", () => undefined);
    one.on("close", () => {
      other.destroy();
    });
  }
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= HEADER && rest.length >= rest.readInt32LE(0)) {
      const message = rest.subarray(0, rest.readInt32LE(0));
      rest = rest.subarray(message.length);
      const answer = conversation.answer(commandOf(message));
      if (answer === null) behind.write(message);
      else socket.write(replyTo(message, answer));
    }
  });
}

/** @returns its port */
export async function authenticateBefore(
  port: number,
  login: Login,
  { ca, server }: Certificates,
): Promise<{ readonly port: number; close(): void }> {
  const sockets = new Set<TLSSocket>();
  const proxy = createServer(
    {
      ...{ ca: readFileSync(ca), cert: readFileSync(server.cert), key: readFileSync(server.key) },
      ...{ requestCert: true, rejectUnauthorized: true },
    },
    socket => {
      sockets.add(socket);
      serve(socket, port, login);
    },
  );
  proxy.on("tlsClientError", () => undefined);
  await once(proxy.listen(0, "127.0.0.1"), "listening");
  return {
    port: (proxy.address() as AddressInfo).port,
    close() {
      proxy.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
