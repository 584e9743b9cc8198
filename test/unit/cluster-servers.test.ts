// Which servers a start waits for: exactly those that the services of the node use.
import { describe, expect, it } from "@jest/globals";
import { clusterServers } from "../../core/cluster-servers.ts";
import { loadConfig } from "../../core/config.ts";
import type { Environment } from "../../core/environment.ts";
import { Health } from "../../core/health.ts";
import { knownServices } from "../../core/node.ts";
import { systemClock, systemRandom } from "../../core/system.ts";

const settings = { NATS_URL: "nats://n", MONGO_URL: "mongodb://m", KAFKA_BROKERS: "k:9092" };
const configOf = (services: string) => loadConfig(knownServices(), { ...settings, SERVICES: services });
const waitedFor = (services: string): string[] => clusterServers(configOf(services)).map(({ prefix }) => prefix);

class Opened extends Error {}

/** Whether the service opens a database when it is made. */
async function keepsSomething(name: string): Promise<boolean> {
  const { createService } = (await import(`../../services/${name}/${name}.service.ts`)) as {
    createService: (environment: Environment) => unknown;
  };
  const environment: Environment = {
    config: configOf(name),
    clock: systemClock,
    random: systemRandom,
    health: new Health(systemClock),
    database: () => {
      throw new Opened();
    },
  };
  try {
    await createService(environment);
    return false;
  } catch (error) {
    if (error instanceof Opened) return true;
    throw error;
  }
}

describe("A start waits", () => {
  it.each(knownServices())("for MongoDB only when it keeps something there, or delivers: %s", async name => {
    // Beside a restore that has not ended nothing may be delivered, and MongoDB knows of that.
    expect(waitedFor(name).includes("MONGO")).toBe(name === "bridge" || (await keepsSomething(name)));
  });

  it("for NATS always, and for Kafka when it is to reach it", () => {
    expect(waitedFor("backup,metrics,registry")).toEqual(["NATS"]);
    expect(waitedFor("order,registry")).toEqual(["NATS", "MONGO"]);
    expect(waitedFor("bridge")).toEqual(["NATS", "MONGO", "KAFKA"]);
  });
});
