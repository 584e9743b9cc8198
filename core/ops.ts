// The ops port of every node: alive, ready and why not, the numbers for Prometheus, and where the other nodes have theirs.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Page } from "./discovery.ts";
import type { Health } from "./health.ts";
import { collectNodeMetrics } from "./metrics/node-metrics.ts";
import { expose, gauge } from "./metrics/registry.ts";
import { listen, portOf } from "./ports.ts";

/** Every reason why this node must get no traffic; it is ready while there is none. */
export class Readiness {
  readonly #reasons = new Set<string>();
  #health: Health | undefined;

  /** What the node needs counts from now on. */
  follow(health: Health): void {
    this.#health = health;
  }

  block(reason: string): void {
    this.#reasons.add(reason);
  }
  clear(reason: string): void {
    this.#reasons.delete(reason);
  }
  get reasons(): readonly string[] {
    return [...this.#reasons, ...(this.#health?.reasons ?? [])];
  }
  /** What is missing while the node is of use without it. */
  get degraded(): readonly string[] {
    return this.#health?.degraded ?? [];
  }
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(body);
}

/** What a node can only tell once its broker runs. */
export interface OpsPages {
  /** Of Prometheus' service discovery. */
  targets?: () => Page;
}

const json = "application/json";
const starting: Page = { status: 503, body: { status: "starting", detail: "This node does not know the cluster yet" } };

async function handle(
  request: IncomingMessage,
  readiness: Readiness,
  pages: OpsPages,
  response: ServerResponse,
): Promise<void> {
  const path = (request.url ?? "/").split("?")[0] ?? "/";
  const { reasons, degraded } = readiness;
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.setHeader("allow", "GET, HEAD");
    answer(response, 405, json, JSON.stringify({ status: "method not allowed", try: "GET" }));
  } else if (path === "/live") {
    answer(response, 200, json, JSON.stringify({ status: "live" }));
  } else if (path === "/ready") {
    const ready = reasons.length === 0;
    const status = ready ? "ready" : "unready";
    answer(response, ready ? 200 : 503, json, JSON.stringify({ status, reasons, degraded }));
  } else if (path === "/metrics") {
    const { contentType, body } = await expose(request.headers.accept);
    answer(response, 200, contentType, body);
  } else if (path === "/targets") {
    const { status, body } = pages.targets?.() ?? starting;
    answer(response, status, json, JSON.stringify(body));
  } else {
    const known = ["/live", "/ready", "/metrics", "/targets"];
    answer(response, 404, json, JSON.stringify({ status: "not found", try: known }));
  }
}

function collect(readiness: Readiness): void {
  collectNodeMetrics();
  const [ready, degraded] = [gauge("comptoir_ready"), gauge("comptoir_degraded")];
  ready.onScrape(() => {
    ready.labels().set(readiness.reasons.length === 0 ? 1 : 0);
  });
  degraded.onScrape(() => {
    degraded.labels().set(readiness.degraded.length);
  });
}

/**
 * @param pages may be filled in later.
 * @throws StartupError when the port is taken.
 */
export async function startOps(
  host: string,
  port: number,
  readiness: Readiness,
  pages: OpsPages = {},
): Promise<{ readonly port: number; close(): void }> {
  collect(readiness);
  const server: Server = createServer((request, response) => {
    handle(request, readiness, pages, response).catch((error: unknown) => {
      answer(response, 500, "text/plain", error instanceof Error ? error.message : "unknown");
    });
  });
  await listen(server, host, port, "COMPTOIR_OPS_PORT");
  return {
    port: portOf(server),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
