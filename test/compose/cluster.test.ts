// The Compose file as a user starts it: what its containers may do, who does the work, and what a killed one costs.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import type { Result } from "../../core/contracts/index.ts";
import { docker, requireDocker } from "../../scripts/compose/docker.ts";
import { Stack, type Container } from "../../scripts/compose/stack.ts";
import type { LoadReport } from "../../scripts/support/load-report.ts";
import type { Load, Placed } from "../../scripts/support/load.ts";
import { auditFromOutside, settle } from "../support/outside-audit.ts";
import { callsBegun, counted, openContainerShop, within, type ContainerShop } from "./shop.ts";

const servers = ["kafka", "mailpit", "mongo", "nats"];
const replicas = { gateway: 2, inventory: 3, order: 2, product: 2, account: 2, billing: 2 };
const NEW_REPLICA_MS = 10_000;
/** Far above what it takes, for machines that do much else. */
const PATIENCE_MS = 300_000;

let stack: Stack;
let shop: ContainerShop;
/** Of every load, for the audit at the end. */
const placed: Placed[] = [];
/** What runs until its test ends it, or ends. */
const loads = new Set<Load>();

async function nodeNames(services: readonly string[]): Promise<string[]> {
  const all = await Promise.all(services.map(service => stack.containers(service)));
  return all.flat().map(({ name }) => name);
}

const ownServices = async (): Promise<string[]> => (await stack.services()).filter(name => !servers.includes(name));

const accepted = (load: Load, since: number): number =>
  load.placed.filter(({ attempts }) => attempts.some(({ at, order }) => at >= since && order !== null)).length;

/** Resolves when the buyers have got this many orders from now on. */
async function moreOrders(load: Load, count: number): Promise<void> {
  const since = Date.now();
  await within(
    PATIENCE_MS,
    () => Promise.resolve(accepted(load, since)),
    got => got >= count,
  );
}

function begin(name: string, options: { readonly retries?: number } = {}): Load {
  const load = shop.load(name, options);
  loads.add(load);
  return load;
}

async function end(load: Load): Promise<LoadReport> {
  loads.delete(load);
  const report = await load.stop();
  placed.push(...report.placed);
  return report;
}

async function healthy(name: string): Promise<void> {
  const state = async () => (await stack.inspect(name)).State.Health?.Status;
  await within(PATIENCE_MS, state, status => status === "healthy");
}

beforeAll(async () => {
  await requireDocker();
  stack = await Stack.start({ scale: replicas, env: { COMPTOIR_RATE_LIMIT: "0", COMPTOIR_LOG_LEVEL: "warn" } });
  shop = await openContainerShop(stack, 60);
});

afterEach(async () => {
  await Promise.all([...loads].map(end));
});

afterAll(async () => {
  await stack.down();
});

describe("The containers", () => {
  it("run healthy, without rights, on a file system that is read-only, within limits", async () => {
    const names = await nodeNames(await ownServices());
    expect(names.length).toBeGreaterThanOrEqual(Object.values(replicas).reduce((sum, count) => sum + count));
    for (const name of names) {
      expect(await stack.inspect(name)).toMatchObject({
        State: { Status: "running", Health: { Status: "healthy" } },
        Config: { User: "node" },
        HostConfig: { ReadonlyRootfs: true, CapDrop: ["ALL"], SecurityOpt: ["no-new-privileges:true"] },
      });
      const { Memory, NanoCpus, PidsLimit } = (await stack.inspect(name)).HostConfig;
      expect([Memory, NanoCpus, PidsLimit].every(limit => Number(limit) > 0)).toBe(true);
    }
  });

  it("have node as process 1, as a user who can write nowhere but in /tmp and /data", async () => {
    const look = "cat /proc/1/comm; id -u; touch /app/x 2>/dev/null || echo refused; touch /tmp/x && echo written";
    const seen = await stack.execute("order-1", ["sh", "-c", look]);
    expect(seen.split("\n").map(line => line.replace(/^MainThread$/, "node"))).toEqual([
      "node",
      "1000",
      "refused",
      "written",
    ]);
  });

  it("keep the servers from the outside", async () => {
    for (const server of ["nats", "mongo", "kafka"]) {
      const { NetworkSettings } = (await stack.inspect(`${server}-1`)) as unknown as {
        NetworkSettings: { Networks: object; Ports: Record<string, unknown> };
      };
      expect(Object.keys(NetworkSettings.Networks)).toEqual([`${stack.project}_servers`]);
      expect(Object.values(NetworkSettings.Ports).filter(Boolean)).toEqual([]);
    }
    expect(await docker(["network", "inspect", "--format", "{{.Internal}}", `${stack.project}_servers`])).toBe("true");
  });
});

describe("The work", () => {
  it("is known by node: the registry names every container with its service", async () => {
    const { items } = await shop.api.get<Result<"v1.registry.nodes">>("/v1/registry/nodes");
    for (const service of await ownServices()) {
      for (const { id, name } of await stack.containers(service)) {
        const node = items.find(({ hostname }) => id.slice(0, 12) === hostname);
        expect({ name, available: node?.available, services: node?.services }).toEqual({
          name,
          available: true,
          services: expect.arrayContaining([`v1.${service}`]),
        });
      }
    }
  });

  it("is shared by the replicas", async () => {
    const load = begin("shared");
    await moreOrders(load, 120);
    const report = await end(load);
    const { failed, refused, answers } = report;
    expect({ failed, refused, answers }).toEqual({ failed: 0, refused: 0, answers });
    for (const service of ["inventory", "order", "gateway"]) {
      const containers = await stack.containers(service);
      const work = ({ name }: Container) =>
        service === "gateway" ? counted(stack, name, "app_requests_total{") : callsBegun(stack, name, `v1.${service}.`);
      const counts = await Promise.all(containers.map(work));
      expect({ service, counts }).toEqual({ service, counts: containers.map(() => expect.any(Number)) });
      for (const count of counts) expect(count).toBeGreaterThan(10);
    }
  });

  it("ends in mail", async () => {
    const [mailpit] = await stack.urls("mailpit", 8025);
    const { key } = placed[0] ?? { key: "" };
    const search = `${mailpit ?? ""}/api/v1/search?query=${encodeURIComponent(`to:${key}@load.example`)}`;
    const found = async () => (await (await fetch(search)).json()) as { messages: { Subject: string }[] };
    const { messages } = await within(PATIENCE_MS, found, ({ messages: mails }) => mails.length >= 2);
    expect(messages.map(({ Subject }) => Subject)).toHaveLength(2);
  });
});

describe("Containers that come and go under load", () => {
  it("cost no accepted order when they are killed one at a time, and less than 1 % errors after one retry", async () => {
    const load = begin("killed");
    for (const victim of ["inventory-1", "order-1", "gateway-2", "billing-1", "account-2", "product-2", "bridge-1"]) {
      await stack.kill(victim);
      await moreOrders(load, 8);
      await stack.startAgain(victim);
      await healthy(victim);
      await moreOrders(load, 8);
    }
    const report = await end(load);
    const { failed, sent, answers } = report;
    expect({ failed, sent, answers, isTooMany: failed >= sent / 100 }).toEqual({
      failed,
      sent,
      answers,
      isTooMany: false,
    });
    expect(report.accepted).toBeGreaterThanOrEqual(100);
  });

  it("get work within 10 seconds when they are new", async () => {
    const load = begin("grown");
    await stack.scale("inventory", 4);
    await within(
      NEW_REPLICA_MS,
      () => callsBegun(stack, "inventory-4", "v1.inventory."),
      count => count > 0,
    );
    expect((await end(load)).failed).toBe(0);
  });

  it.each(["inventory-4", "order-2", "billing-2"])("fail no request when %s is stopped", async name => {
    const load = begin(`stopped-${name}`, { retries: 0 });
    await moreOrders(load, 10);
    expect(await stack.stop(name)).toBe(0);
    await moreOrders(load, 30);
    expect(await end(load)).toMatchObject({ failed: 0, refused: 0 });
    await stack.startAgain(name);
    await healthy(name);
  });

  it("fail no order when a gateway is stopped and the client asks the other", async () => {
    const load = begin("gateway-stopped");
    await moreOrders(load, 10);
    expect(await stack.stop("gateway-2")).toBe(0);
    await shop.refresh();
    await moreOrders(load, 30);
    expect(await end(load)).toMatchObject({ failed: 0, refused: 0 });
  });
});

describe("After all that", () => {
  it("every accepted order is there, invoiced and charged once, and the stock adds up", async () => {
    const ids = placed.flatMap(({ attempts }) => attempts.flatMap(({ order }) => (order === null ? [] : [order.id])));
    expect(ids.length).toBeGreaterThan(300);
    await settle(shop.api, [...new Set(ids)], PATIENCE_MS);
    expect(await auditFromOutside(shop.api, { placed, received: shop.received })).toEqual([]);
  });

  it("nothing is left of it but what is taken away with it", async () => {
    await stack.down();
    const mine = ["--filter", `label=com.docker.compose.project=${stack.project}`, "--quiet"];
    for (const kind of [
      ["ps", "--all"],
      ["volume", "ls"],
      ["network", "ls"],
    ])
      expect(await docker([...kind, ...mine])).toBe("");
  });
});
