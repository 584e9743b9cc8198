// The process as its operator meets it: what it prints, what it refuses, how it ends.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";

const root = new URL("../..", import.meta.url).pathname;

interface Shop {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

describe("The process", () => {
  let data: string;
  let children: ChildProcess[];
  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), "comptoir-process-"));
    children = [];
  });
  afterEach(() => {
    for (const child of children) child.kill("SIGKILL");
    rmSync(data, { recursive: true });
  });

  function start(environment: Record<string, string> = {}, args: string[] = []): Shop {
    const defaults = { COMPTOIR_DATA: data, COMPTOIR_PORT: "0", COMPTOIR_OPS_PORT: "0", PATH: process.env["PATH"] };
    const child = spawn(process.execPath, ["core/main.ts", ...args], {
      cwd: root,
      env: { ...defaults, ...environment },
    });
    children.push(child);
    let [out, err] = ["", ""];
    child.stdout.on("data", chunk => (out += String(chunk)));
    child.stderr.on("data", chunk => (err += String(chunk)));
    return { child, stdout: () => out, stderr: () => err };
  }

  async function ended({ child, stdout, stderr }: Shop): Promise<Ended> {
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    return { code: child.exitCode, stdout: stdout(), stderr: stderr() };
  }

  async function ready(shop: Shop): Promise<string> {
    for (;;) {
      const url = /^ready (\S+)$/m.exec(shop.stdout())?.[1];
      if (url !== undefined) return url;
      if (shop.child.exitCode !== null) throw new Error(shop.stderr());
      await delay(20);
    }
  }

  const ops = (shop: Shop): string => /ops +(http:\/\/\S+?)\/metrics/.exec(shop.stdout())?.[1] ?? "";

  async function login(url: string, body: string): Promise<number> {
    const response = await fetch(`${url}/v1/auth/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    return response.status;
  }

  it("says where it is and how to log in, and keeps the password it made", async () => {
    const shop = start();
    const url = await ready(shop);
    expect(shop.stdout().match(/^ready /gm)).toHaveLength(1);
    const file = join(data, "admin-credentials.json");
    const { password } = JSON.parse(readFileSync(file, "utf8")) as { password: string };
    expect(shop.stdout().split(password)).toHaveLength(2);
    expect(await login(url, readFileSync(file, "utf8"))).toBe(200);
    for (const line of shop.stderr().trimEnd().split("\n")) expect(JSON.parse(line)).toHaveProperty("level");
    expect(shop.stderr()).not.toContain(password);
  });

  it("keeps its data from everybody else on the machine", async () => {
    await ready(start());
    const modes = readdirSync(data).map(name => [name, statSync(join(data, name)).mode & 0o077] as const);
    expect(modes.length).toBeGreaterThan(10);
    expect(modes.filter(([, forOthers]) => forOthers !== 0)).toEqual([]);
  });

  it("answers on its ops port: alive, ready, its numbers, and nothing else", async () => {
    const shop = start();
    await ready(shop);
    const at = async (path: string) => {
      const response = await fetch(`${ops(shop)}${path}`);
      return [response.status, await response.text()] as const;
    };
    expect(await at("/live")).toEqual([200, '{"status":"live"}']);
    expect(await at("/ready")).toEqual([200, '{"status":"ready","reasons":[],"degraded":[]}']);
    const [status, metrics] = await at("/metrics");
    expect(status).toBe(200);
    expect(metrics).toContain("comptoir_ready 1");
    expect(metrics).toContain("process_resident_memory_bytes");
    expect((await at("/"))[0]).toBe(404);
  });

  it("starts again at once after kill -9, with the same password", async () => {
    const first = start();
    await ready(first);
    first.child.kill("SIGKILL");
    await once(first.child, "exit");
    const second = start();
    const url = await ready(second);
    expect(second.stdout()).not.toContain("password ");
    expect(await login(url, readFileSync(join(data, "admin-credentials.json"), "utf8"))).toBe(200);
  });

  it.each(["SIGTERM", "SIGINT"] as const)("ends with 0 within 5 s after %s", async signal => {
    const shop = start();
    const url = await ready(shop);
    await fetch(`${url}/v1/products`);
    const began = Date.now();
    shop.child.kill(signal);
    expect((await ended(shop)).code).toBe(0);
    expect(Date.now() - began).toBeLessThan(5_000);
  });

  const refusal = async (shop: Shop): Promise<string> => {
    const { code, stdout, stderr } = await ended(shop);
    expect([code, stdout]).toEqual([1, ""]);
    const lines = stderr.split("\n").filter(line => !line.startsWith("{") && line !== "");
    expect(lines).toHaveLength(1);
    return lines[0] ?? "";
  };

  it("refuses a port that is taken, REST or ops", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await once(other, "listening");
    const port = String((other.address() as AddressInfo).port);
    const rest = await refusal(start({ COMPTOIR_PORT: port }));
    const opsPort = await refusal(start({ COMPTOIR_OPS_PORT: port }));
    other.close();
    expect(rest).toBe(
      `comptoir: 127.0.0.1:${port} is taken by another process: set COMPTOIR_PORT or COMPTOIR_HOST to a free one`,
    );
    expect(opsPort).toContain("set COMPTOIR_OPS_PORT");
  });

  it("refuses a data folder that another one holds", async () => {
    await ready(start());
    expect(await refusal(start())).toContain(`the data folder ${data} is in use by another Comptoir`);
  });

  it("refuses a data folder that cannot be one", async () => {
    const file = join(data, "file");
    writeFileSync(file, "");
    for (const folder of [file, join(file, "below"), "/proc/comptoir/data"]) {
      const line = await refusal(start({ COMPTOIR_DATA: folder }));
      expect(line).toContain(`the data folder ${folder} cannot be written`);
    }
  });

  it("refuses a damaged data file with its name", async () => {
    const shop = start();
    await ready(shop);
    shop.child.kill("SIGTERM");
    await ended(shop);
    const file = join(data, "product.sqlite");
    const whole = readFileSync(file);
    truncateSync(file, 5_000);
    expect(await refusal(start())).toContain(file);
    writeFileSync(file, whole.fill(7, 4_096 * 4));
    expect(await refusal(start())).toContain(`The database ${file} is damaged`);
  });

  it.each([
    [{ COMPTOIR_PROT: "1" }, "COMPTOIR_PROT is not a setting: did you mean COMPTOIR_PORT?"],
    [{ COMPTOIR_PORT: "http" }, 'COMPTOIR_PORT is "http": must be a whole number from 0 to 65535'],
    [{ SERVICES: "ordre" }, "did you mean order?"],
    [{ NATS_URL: "nats://n" }, "NATS_URL set without MONGO_URL and KAFKA_BROKERS"],
    [
      {
        NATS_URL: "nats://127.0.0.1:1",
        MONGO_URL: "mongodb://127.0.0.1:1",
        KAFKA_BROKERS: "127.0.0.1:1",
        COMPTOIR_STARTUP_TIMEOUT: "1",
      },
      "did not answer within 1 s",
    ],
  ])("refuses %j", async (environment, line) => {
    expect(await refusal(start(environment))).toContain(line);
  });

  it("says at each attempt what it waits for, also where only warnings are logged", async () => {
    const nowhere = {
      NATS_URL: "nats://127.0.0.1:1",
      MONGO_URL: "mongodb://127.0.0.1:1",
      KAFKA_BROKERS: "127.0.0.1:1",
    };
    const waiting = start({ ...nowhere, COMPTOIR_LOG_LEVEL: "warn", COMPTOIR_STARTUP_TIMEOUT: "2" });
    const { code, stderr } = await ended(waiting);
    expect(code).toBe(1);
    expect(stderr).toMatch(/"level":"warn".*waiting for NATS 127\.0\.0\.1:1: .*\(attempt 1, [12] s left\)/);
  });

  it("runs the REPL as an operator", async () => {
    const shop = start({}, ["--repl"]);
    await ready(shop);
    const out = text(shop.child.stdout ?? process.stdin);
    shop.child.stdin?.write("call v1.order.list\n");
    while (!shop.stdout().includes("nextCursor")) await delay(20);
    shop.child.stdin?.end();
    expect((await ended(shop)).code).toBe(0);
    expect(await out).toContain("items: []");
  });

  it("shows and changes in the REPL what is logged", async () => {
    const shop = start({}, ["--repl"]);
    await ready(shop);
    const answers = async (command: string, answer: RegExp) => {
      const before = shop.stdout().length;
      shop.child.stdin?.write(`${command}\n`);
      while (!answer.test(shop.stdout().slice(before))) await delay(20);
    };
    await answers("log-level", /\w: info\n/);
    await answers("log-level debug order", /\w: info \(order debug\)\n/);
    await answers("log-level", /\w: info \(order debug\)\n/);
    await answers("log-level debug ordre", /No module is called ordre: take one of .*, order,/);
    await answers("log-level loud", /level must be one of .*debug.*\n/);
    await answers("log-level warn", /\w: warn\n/);
    await answers("log-level default", /\w: info\n/);
    shop.child.stdin?.end();
    expect((await ended(shop)).code).toBe(0);
  });
});
