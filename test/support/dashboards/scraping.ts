// A Prometheus that scrapes a node every second, the machine, and itself.
import { freePort } from "../../../scripts/support/free-port.ts";
import type { Server } from "../../../scripts/support/server-process.ts";
import { startPrometheus } from "../../../scripts/support/servers.ts";

export const SCRAPE_S = 1;

export interface Scraped {
  /** HOST:PORT of an ops port. */
  readonly address: string;
  readonly node: string;
  readonly services: readonly string[];
  /** HOST:PORT of a node exporter. */
  readonly machine: string;
}

export async function startScraping({ address, node, services, machine }: Scraped): Promise<Server> {
  const port = await freePort();
  const labels = { node, node_services: `,${services.join(",")},` };
  const config = {
    global: { scrape_interval: `${String(SCRAPE_S)}s`, scrape_timeout: `${String(SCRAPE_S)}s` },
    scrape_configs: [
      { job_name: "comptoir", static_configs: [{ targets: [address], labels }] },
      { job_name: "node-exporter", static_configs: [{ targets: [machine] }] },
      { job_name: "prometheus", static_configs: [{ targets: [`127.0.0.1:${String(port)}`] }] },
    ],
  };
  // JSON is YAML.
  return startPrometheus(JSON.stringify(config), { port });
}
