// Listening, with a refusal that names the setting.
import { createServer, type ListenOptions, type Server } from "node:net";
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

/** Resolves once it listens. @throws what the operating system says */
export function listening(server: Server, options: ListenOptions): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  server.once("error", reject);
  server.listen(options, () => {
    resolve(undefined);
  });
  return promise;
}

/** Takes no new connections; resolves once the last one has ended. */
export const closed = (server: Server): Promise<void> =>
  new Promise(resolve => {
    server.close(() => {
      resolve();
    });
  });

/** @throws StartupError when it cannot listen there. */
export async function listen(server: Server, host: string, port: number, setting: string): Promise<void> {
  try {
    await listening(server, { host, port });
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
  await closed(probe);
}
