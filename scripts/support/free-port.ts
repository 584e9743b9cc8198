// Ports for servers of tests.
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below the range of which the system takes the client's side of connections. A port of that range can be taken while
 * its server is down, and a client that tries again and again may even connect to itself.
 */
const [FIRST, END] = [20_000, 32_000];

export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    await once(server.listen(port, "127.0.0.1"), "listening");
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}

/** A port of 127.0.0.1 on which nobody listens, nor listens later without being told to. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(FIRST, END);
    if (await isFree(port)) return port;
  }
}
