// A Prometheus that scrapes a node every second.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../../scripts/support/free-port.ts";
import { Server } from "../../../scripts/support/server-process.ts";

export const SCRAPE_S = 1;

export interface Scraped {
  /** HOST:PORT of an ops port. */
  readonly address: string;
  readonly node: string;
  readonly services: readonly string[];
}

/** @param command of Prometheus 2.42 or later. */
export async function startScraping(command: string, { address, node, services }: Scraped): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), "comptoir-prometheus-"));
  const port = await freePort();
  const listen = `127.0.0.1:${String(port)}`;
  const labels = { node, node_services: `,${services.join(",")},` };
  const config = {
    global: { scrape_interval: `${String(SCRAPE_S)}s`, scrape_timeout: `${String(SCRAPE_S)}s` },
    scrape_configs: [
      { job_name: "comptoir", static_configs: [{ targets: [address], labels }] },
      { job_name: "prometheus", static_configs: [{ targets: [listen] }] },
    ],
  };
  // JSON is YAML.
  writeFileSync(join(folder, "prometheus.yml"), JSON.stringify(config));
  return Server.start({
    ...{ name: "prometheus", command, port, url: `http://${listen}`, folder, isTemporary: true },
    args: [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=${listen}`,
      "--enable-feature=exemplar-storage",
    ],
    ready: /Server is ready to receive web requests/,
  });
}
