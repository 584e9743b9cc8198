// compose.dev.yml: who changes a source sees it served, without building anything.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Product } from "../../core/contracts/product.ts";
import { requireDocker } from "../../scripts/compose/docker.ts";
import { Stack } from "../../scripts/compose/stack.ts";
import { freePort } from "../../scripts/support/free-port.ts";
import { openContainerShop, within, type ContainerShop } from "./shop.ts";

const root = join(import.meta.dirname, "..", "..");
const PATIENCE_MS = 120_000;
/** What Compose reads and builds from; not what is installed or written here. */
const NEEDED = [
  ...["docker-compose.yml", "compose.dev.yml", "compose.defaults", "Dockerfile", ".dockerignore", ".npmrc"],
  ...["package.json", "package-lock.json", "moleculer.config.ts", "core", "services", "scripts", "monitoring", "load"],
];

let folder: string;
let stack: Stack | undefined;
let shop: ContainerShop;

beforeAll(async () => {
  await requireDocker();
  folder = mkdtempSync(join(tmpdir(), "comptoir-development-"));
  for (const name of NEEDED) cpSync(join(root, name), join(folder, name), { recursive: true });
  const local = async (): Promise<string> => `127.0.0.1:${String(await freePort())}`;
  stack = await Stack.start({
    scale: {},
    files: [join(folder, "docker-compose.yml"), join(folder, "compose.dev.yml")],
    env: {
      COMPTOIR_LOG_LEVEL: "warn",
      NATS_PUBLISH: await local(),
      NATS_HTTP_PUBLISH: await local(),
      MONGO_PUBLISH: await local(),
      KAFKA_PORT: String(await freePort()),
    },
  });
  shop = await openContainerShop(stack, 1);
});

afterAll(async () => {
  await stack?.down();
  rmSync(folder, { recursive: true });
});

/** Of the product that the shop was opened with; null while nobody answers. */
async function nameServed(): Promise<string | null> {
  const { name } = await shop.api.get<Product>("/v1/products/SKU-0").catch(() => ({ name: null }));
  return name;
}

/** Saves it as an editor does. */
function edit(file: string, from: string, to: string): void {
  const path = join(folder, file);
  const source = readFileSync(path, "utf8");
  if (!source.includes(from)) throw new Error(`${file} does not hold ${from}`);
  writeFileSync(path, source.replace(from, to));
}

describe("A shop whose sources are mounted", () => {
  const file = "services/product/product.schema.ts";
  const now = "  name: state.name,";
  const changed = "  name: state.name.toUpperCase(),";
  const broken = "  name: ,";

  it("serves a change once it is saved, and the node takes orders again", async () => {
    expect(await nameServed()).toBe("Product SKU-0");
    edit(file, now, changed);
    await within(PATIENCE_MS, nameServed, name => name === "PRODUCT SKU-0");
    edit(file, changed, now);
    await within(PATIENCE_MS, nameServed, name => name === "Product SKU-0");
    const load = shop.load("after", { retries: 5 });
    await within(
      PATIENCE_MS,
      () => Promise.resolve(load.placed.filter(({ attempts }) => attempts.some(({ order }) => order !== null)).length),
      accepted => accepted >= 10,
    ).finally(() => load.stop());
  });

  it("goes on after a change that does not run, once it is mended", async () => {
    edit(file, now, broken);
    await within(PATIENCE_MS, nameServed, name => name === null);
    edit(file, broken, now);
    await within(PATIENCE_MS, nameServed, name => name === "Product SKU-0");
  });
});
