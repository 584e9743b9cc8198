// What the Dockerfile and the Compose files repeat of the code has to stay true.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { parse } from "yaml";
import { stopTimesOf } from "../../core/deadlines.ts";
import { knownServices } from "../../core/node.ts";

const root = join(import.meta.dirname, "..", "..");
const read = (name: string): string => readFileSync(join(root, name), "utf8");

/** The blocks of the services: their name and their lines. */
function servicesIn(file: string): Map<string, string> {
  const [, section = ""] = /^services:\n([^]*?)(?=^\w|(?![^]))/m.exec(read(file)) ?? [];
  const blocks = section.split(/^ {2}(?=[\w-]+:)/m).slice(1);
  return new Map(blocks.map(block => [block.slice(0, block.indexOf(":")), block]));
}

interface Container {
  readonly environment?: Readonly<Record<string, string>>;
  readonly stop_grace_period?: string;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly volumes?: readonly string[];
}
interface Compose {
  readonly services: Readonly<Record<string, Container>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}
/** With its anchors resolved. */
const compose = (): Compose => parse(read("docker-compose.yml"), { merge: true }) as Compose;

describe("the image", () => {
  test("has only what runs, and of the packages only those of production", () => {
    const [dependencies = "", image = ""] = read("Dockerfile")
      .split(/^(?=FROM )/m)
      .slice(1);
    expect(read("Dockerfile").match(/^RUN .*$/gm)).toEqual([
      "RUN --mount=type=cache,target=/root/.npm npm ci --omit=dev --ignore-scripts",
      "RUN install --directory --owner=node --group=node --mode=700 /data",
    ]);
    expect(dependencies).toContain("npm ci --omit=dev");
    expect(image.match(/^COPY .*$/gm)).toEqual([
      "COPY --from=dependencies /app/node_modules ./node_modules",
      "COPY package.json moleculer.config.ts ./",
      ...["core", "services", "scripts"].map(folder => `COPY ${folder} ./${folder}`),
    ]);
    // Whatever is not named stays outside: node_modules of this folder, tests, secrets.
    const rules = read(".dockerignore").split("\n");
    expect(rules.filter(rule => !rule.startsWith("#"))[0]).toBe("*");
    expect(rules.filter(rule => /node_modules|test|secrets|data|\.env/.test(rule))).toEqual([]);
  });

  test("runs what npm start runs, with node as process 1", () => {
    const command = /^CMD (\[.*\])$/m.exec(read("Dockerfile"))?.[1] ?? "[]";
    const { scripts } = JSON.parse(read("package.json")) as { scripts: { start: string } };
    expect((JSON.parse(command) as string[]).join(" ")).toBe(scripts.start);
  });
});

const watchers = ["prometheus", "alertmanager", "node-exporter", "grafana"];

describe("docker-compose.yml", () => {
  const containers = servicesIn("docker-compose.yml");
  const own = () => Object.entries(compose().services).filter(([, { environment }]) => environment?.["SERVICES"]);

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

  test("runs every service of this release, each in a container of its own", () => {
    const run = own().map(([name, { environment }]) => [name, environment?.["SERVICES"]]);
    const expected = knownServices().map(name => [name, name]);
    expect(run.sort()).toEqual(expected.sort());
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
    const byFile = 'export LOAD_PASSWORD="$${LOAD_PASSWORD:-$$(cat /run/secrets/admin_password)}"';
    expect(k6).toContain(byFile);
    expect(k6).toContain("secrets: [admin_password]");
    expect(namesIn(k6, /^ +(LOAD_[A-Z_]+): /gm)).toEqual([...readByIt]);
  });

  /** Why these have none. */
  const withoutHealthCheck = {
    "otel-collector": "its image holds the collector alone, which has no command that asks whether it works",
    k6: "runs one load test and ends",
  };

  test("asks every container for its health, but for those that cannot tell", () => {
    const without = Object.entries(compose().services).filter(([, { healthcheck }]) => healthcheck === undefined);
    expect(without.map(([name]) => name).sort()).toEqual(Object.keys(withoutHealthCheck).sort());
    for (const [, { healthcheck }] of Object.entries(compose().services))
      if (healthcheck !== undefined) expect(healthcheck.test[0]).toBe("CMD");
  });

  const seconds = (period: string | undefined): number => Number(/^(\d+)s$/.exec(period ?? "")?.[1] ?? 0);

  test("ends no service before its own deadline, and no keeper of data in the 10 s that Docker gives", () => {
    const { deadlineMs } = stopTimesOf({ mode: "cluster" });
    expect(
      own()
        .map(([name]) => name)
        .sort(),
    ).toEqual(knownServices().sort());
    for (const [name, { stop_grace_period: period }] of own())
      expect([name, seconds(period) * 1000 > deadlineMs]).toEqual([name, true]);
    for (const name of ["mongo", "kafka", "prometheus", "loki"])
      expect([name, compose().services[name]?.stop_grace_period]).toEqual([name, "30s"]);
  });

  test("starts a container when those it needs are healthy", () => {
    const { services } = compose();
    const servers = ["nats", "mongo", "kafka"];
    for (const [name, { depends_on: needs = {} }] of own())
      expect([name, Object.keys(needs)]).toEqual([name, name === "notification" ? [...servers, "mailpit"] : servers]);
    expect(Object.keys(services["k6"]?.depends_on ?? {})).toEqual(["gateway"]);
    const all = Object.values(services).flatMap(({ depends_on: needs = {} }) => Object.entries(needs));
    expect(all.filter(([, { condition }]) => condition !== "service_healthy")).toEqual([]);
    expect(all.filter(([name]) => services[name]?.healthcheck === undefined)).toEqual([]);
  });

  test("takes secrets from files only, and starts without any that somebody would have to write", () => {
    const { services, secrets } = compose();
    const given = Object.values(services).flatMap(({ environment = {} }) => Object.keys(environment));
    // The administrator's may be given for a try.
    expect(given.filter(name => /(PASSWORD|TOKEN|SMTP_URL)$/.test(name)).sort()).toEqual([
      "COMPTOIR_ADMIN_PASSWORD",
      "LOAD_PASSWORD",
    ]);
    for (const name of ["admin_password", "smtp_url"]) {
      const usual = /^\$\{\w+_FILE:-\.\/(.+)\}$/.exec(secrets[name]?.file ?? "")?.[1] ?? "";
      expect([name, existsSync(join(root, usual))]).toEqual([name, true]);
    }
    expect(read("compose.defaults/smtp_url").trim()).toBe("smtp://mailpit:1025");
    expect(read("compose.defaults/admin_password")).toBe("");
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

  test("puts files of its own in the place of what the trial has, for the shop and the load test alike", () => {
    expect(containers.get("account")).toContain("COMPTOIR_ADMIN_PASSWORD_FILE: /run/secrets/admin_password");
    for (const name of ["admin_password", "smtp_url"])
      expect(read("compose.external.yml")).toContain(`${name}: { file: ./secrets/${name} }`);
  });
});
