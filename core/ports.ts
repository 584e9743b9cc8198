// Listening, with a refusal that names the setting.
import { createServer, type Server } from "node:net";
import { StartupError } from "./startup-error.ts";

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: "is taken by another process",
  EACCES: "needs rights that this process lacks",
  EADDRNOTAVAIL: "is not an address of this machine",
  ENOTFOUND: "cannot be resolved",
};

/** The line for a listen error; undefined for any other error. */
export function listenProblem(error: unknown, setting = "COMPTOIR_PORT"): string | undefined {
  if (!(error instanceof Error) || !("syscall" in error) || !("code" in error)) return undefined;
  const reason = reasons[String(error.code)];
  if (reason === undefined || !["listen", "getaddrinfo"].includes(String(error.syscall))) return undefined;
  const { address, hostname, port } = error as { address?: string; hostname?: string; port?: number };
  const where = [address ?? hostname, port].filter(part => part !== undefined).join(":");
  return `${where} ${reason}: set ${setting} or COMPTOIR_HOST to a free one`;
}

/** @throws StartupError when it cannot listen there. */
export async function listen(server: Server, host: string, port: number, setting: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  server.once("error", reject);
  server.listen(port, host, () => {
    resolve(undefined);
  });
  try {
    await promise;
  } catch (error) {
    throw new StartupError(listenProblem(error, setting) ?? String(error), { cause: error });
  }
}

export function portOf(server: Server): number {
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** Before anything starts: is the port free? @throws StartupError */
export async function checkPort(host: string, port: number, setting: string): Promise<void> {
  const probe = createServer();
  await listen(probe, host, port, setting);
  const { promise, resolve } = Promise.withResolvers<undefined>();
  probe.close(() => {
    resolve(undefined);
  });
  await promise;
}
