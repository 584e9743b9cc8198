// The sessions of a load test's virtual users, at a door that lets each in for some seconds only and now and then not at once.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { findK6, startK6 } from "../../scripts/load/k6.ts";
import { temporaryFolder } from "../../scripts/support/node-process.ts";
import { ROOT } from "../support/shop-process.ts";

const USERS = 20;
const LIFE_S = 5;
const RUN_S = 8;

const data = temporaryFolder();
/** When somebody logged in, in ms; the first is setup(). */
const logins: number[] = [];
let attempts = 0;
let letIn = 0;

function login(response: ServerResponse): void {
  attempts += 1;
  if (attempts % 2 === 0) {
    response.writeHead(503, { "retry-after": "0.1" }).end();
    return;
  }
  const now = Date.now();
  logins.push(now);
  response.end(JSON.stringify({ accessToken: String(now + LIFE_S * 1_000), expiresIn: LIFE_S }));
}

function open({ headers: { authorization = "" } }: IncomingMessage, response: ServerResponse): void {
  const isIn = Number(authorization.replace("Bearer ", "")) > Date.now();
  letIn += Number(isIn);
  response.writeHead(isIn ? 200 : 401).end("{}");
}

const door = createServer((request, response) => {
  request.resume();
  if (request.url === "/v1/auth/login") login(response);
  else open(request, response);
});

beforeAll(async () => {
  await findK6(() => undefined);
  await new Promise<void>(resolve => door.listen(0, "127.0.0.1", resolve));
}, 600_000);
afterAll(() => {
  door.closeAllConnections();
  door.close();
  rmSync(data, { recursive: true });
});

const script = (url: string): string => `
  import { check, sleep } from "k6";
  import { Client, login } from ${JSON.stringify(join(ROOT, "load", "lib", "client.ts"))};
  const settings = { url: ${JSON.stringify(url)}, credentials: { email: "a@example.org", password: "a" } };
  export const options = {
    scenarios: { users: { executor: "constant-vus", vus: ${String(USERS)}, duration: "${String(RUN_S)}s" } },
  };
  export const setup = () => login(settings);
  let client;
  export default function (session) {
    client ??= new Client(settings, session);
    check(client.get("/", { name: "/" }), { "is let in": ({ status }) => status === 200 });
    sleep(0.1);
  }
  export const handleSummary = ({ metrics }) => ({
    stdout: JSON.stringify({ iterations: metrics.iterations.values.count, ...metrics.checks.values }) + "\\n",
  });`;

it("Sessions are renewed by each user in its own time, also when a login is refused for the moment, and none ends before", async () => {
  const file = join(data, "sessions.js");
  const { port } = door.address() as AddressInfo;
  writeFileSync(file, script(`http://127.0.0.1:${String(port)}`));
  const env = { PATH: process.env["PATH"] ?? "" };
  const { summary } = await startK6(await findK6(() => undefined), {
    script: file,
    env,
    isPushed: false,
    isQuiet: true,
  }).ended;
  const { iterations } = summary as unknown as { iterations: number };
  // An iteration that could not log in says nothing and is one all the same.
  expect(summary).toMatchObject({ passes: iterations, fails: 0 });
  expect(letIn).toBe(iterations);
  const renewals = logins.slice(1, USERS + 1);
  expect(renewals).toHaveLength(USERS);
  // Between half and nine tenths of the life, and not together.
  const [first, last] = [Math.min(...renewals), Math.max(...renewals)];
  expect(last - first).toBeGreaterThan(0.2 * LIFE_S * 1_000);
});
