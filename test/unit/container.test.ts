// What the Dockerfile and the Compose files repeat of the code has to stay true.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { knownServices } from "../../core/node.ts";

const root = join(import.meta.dirname, "..", "..");
const read = (name: string): string => readFileSync(join(root, name), "utf8");

/** The blocks of the services: their name and their lines. */
function servicesIn(file: string): Map<string, string> {
  const [, section = ""] = /^services:\n([^]*?)(?=^\w|(?![^]))/m.exec(read(file)) ?? [];
  const blocks = section.split(/^ {2}(?=[\w-]+:)/m).slice(1);
  return new Map(blocks.map(block => [block.slice(0, block.indexOf(":")), block]));
}

describe("the image", () => {
  test("runs what npm start runs, with node as process 1", () => {
    const command = /^CMD (\[.*\])$/m.exec(read("Dockerfile"))?.[1] ?? "[]";
    const { scripts } = JSON.parse(read("package.json")) as { scripts: { start: string } };
    expect((JSON.parse(command) as string[]).join(" ")).toBe(scripts.start);
  });
});

const watchers = ["prometheus", "alertmanager", "node-exporter", "grafana"];

describe("docker-compose.yml", () => {
  const containers = servicesIn("docker-compose.yml");

  test("watches only when asked to, and shows that to this machine alone", () => {
    const asked = [...containers].filter(([, block]) => block.includes("profiles: [monitoring]")).map(([name]) => name);
    expect(asked).toEqual(watchers);
    for (const name of watchers) {
      const block = containers.get(name) ?? "";
      for (const part of ["read_only: true", "cap_drop: [ALL]", "image: "]) expect(block).toContain(part);
      expect(block).toMatch(/image: \S+:v?\d+\.\d+\.\d+$/m);
    }
    const ports = [...read("docker-compose.yml").matchAll(/^ +ports: \["([^"]+)"\]$/gm)].map(([, port]) => port ?? "");
    expect(ports.length).toBeGreaterThanOrEqual(5);
    expect(ports.filter(port => !/^\$\{\w+:-127\.0\.0\.1:\d+\}:\d+$/.test(port))).toEqual([]);
  });

  test("lets into Grafana only who knows the secret; admin/admin is for the demonstration", () => {
    const grafana = containers.get("grafana") ?? "";
    expect(grafana).toMatch(/GF_AUTH_ANONYMOUS_ENABLED: "false"/);
    expect(grafana).not.toContain("GF_SECURITY_ADMIN_PASSWORD:");
    expect(read("compose.demo.yml")).toContain("GF_SECURITY_ADMIN_PASSWORD: admin");
    for (const file of ["docker-compose.yml", "compose.dev.yml", "compose.external.yml"])
      expect(read(file)).not.toContain("GF_SECURITY_ADMIN_PASSWORD: ");
  });

  test("runs every service of this release, each in one place", () => {
    const blocks = [...containers.values()];
    const run = blocks.flatMap(block => /SERVICES: "?(\w+(,\w+)*)/.exec(block)?.[1]?.split(",") ?? []);
    expect(run.sort()).toEqual(knownServices().sort());
  });

  test.each(["compose.dev.yml", "compose.external.yml"])("has the same containers as %s", file => {
    const others = [...servicesIn(file).keys()];
    expect(others.filter(name => !containers.has(name))).toEqual([]);
    // A tool of a profile is the same everywhere.
    const always = [...containers].filter(([, block]) => !block.includes("profiles:")).map(([name]) => name);
    expect(always.filter(name => name !== "mailpit" && !others.includes(name))).toEqual([]);
  });

  test.each([
    ["tracing", ["otel-collector", "jaeger"]],
    ["logs", ["loki", "alloy"]],
  ])("has the profile %s, of fixed releases that may do little and take what they are given", (profile, names) => {
    const asked = [...containers].filter(([, block]) => block.includes(`profiles: [${profile}]`));
    expect(asked.map(([name]) => name)).toEqual(names);
    for (const [, block] of asked) {
      for (const part of ["read_only: true", "cap_drop: [ALL]", "no-new-privileges", "limits:"])
        expect(block).toContain(part);
      expect(block).toMatch(/image: \S+:v?\d+\.\d+\.\d+$/m);
      for (const [, folder = ""] of block.matchAll(/\.\/(monitoring\/[\w-]+)/g))
        expect([folder, existsSync(join(root, folder))]).toEqual([folder, true]);
    }
  });

  test("hands to the load test what it reads, and only that", () => {
    const k6 = containers.get("k6") ?? "";
    for (const part of ["profiles: [load]", "read_only: true", "cap_drop: [ALL]", "no-new-privileges", "limits:"])
      expect(k6).toContain(part);
    const namesIn = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name).sort();
    // The name of a run is its own.
    const readByIt = new Set(namesIn(read("load/lib/settings.ts"), /\("(LOAD_[A-Z_]+)"/g));
    readByIt.delete("LOAD_RUN");
    expect(readByIt.size).toBeGreaterThan(5);
    expect(namesIn(k6, /^ +(LOAD_[A-Z_]+): /gm)).toEqual([...readByIt]);
  });

  test("every server has a health check, limits and no fixed name", () => {
    for (const name of ["nats", "mongo", "kafka", "mailpit", ...watchers]) {
      const block = containers.get(name) ?? "";
      for (const part of ["healthcheck:", "limits:", "no-new-privileges"]) expect(block).toContain(part);
    }
    expect(read("docker-compose.yml")).not.toContain("container_name");
  });
});

describe("compose.external.yml", () => {
  const containers = servicesIn("compose.external.yml");

  test("has the services on the outside only, and what they send spans to as well", () => {
    expect(read("compose.external.yml")).toContain("networks: !override [outside]");
    expect(containers.get("otel-collector")).toContain("networks: [servers, outside]");
  });

  test("hands to the load test the password that the shop has", () => {
    for (const name of ["account", "k6"]) expect(containers.get(name)).toMatch(/secrets: \[.*admin_password.*\]/);
    expect(containers.get("k6")).toContain('LOAD_PASSWORD="$$(cat /run/secrets/admin_password)"');
  });
});
