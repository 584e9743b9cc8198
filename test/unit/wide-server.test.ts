import { afterEach, describe, expect, it } from "@jest/globals";
import type { ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { portOf } from "../../core/ports.ts";
import { WideServer } from "../../core/wide-server.ts";

const CLIENTS = 200;
/** More than there are sockets. */
const HELD = 40;
/** As those of a shop that has much to do. */
const TURN_MS = 5;

const clients: Socket[] = [];
let server: WideServer | undefined;
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
  server?.close();
});

const onError = (error: Error) => {
  throw error;
};

async function open(answer: (response: ServerResponse) => void = response => response.end("here")) {
  server = new WideServer({}, (_request, response) => {
    answer(response);
  });
  await server.open({ host: "127.0.0.1", port: 0, onError });
  return server;
}

function busyTurns(): { count: () => number; stop: () => void } {
  let turns = 0;
  let next: NodeJS.Immediate;
  const turn = (): void => {
    const end = performance.now() + TURN_MS;
    while (performance.now() < end);
    turns += 1;
    next = setImmediate(turn);
  };
  next = setImmediate(turn);
  return {
    count: () => turns,
    stop: () => {
      clearImmediate(next);
    },
  };
}

const answered = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const client = connect(port, "127.0.0.1");
    clients.push(client);
    client.once("error", reject).once("data", () => {
      resolve();
    });
    client.write("GET / HTTP/1.1\r\nHost: here\r\n\r\n");
  });

describe("A server that many clients come to at once", () => {
  const onLinux = process.platform === "linux" ? it : it.skip; // Elsewhere there is one socket: a turn for each client.
  onLinux("accepts them in far fewer turns of the event loop than they are", async () => {
    const port = portOf(await open());
    const turns = busyTurns();
    await Promise.all(Array.from({ length: CLIENTS }, () => answered(port)));
    turns.stop();
    expect(turns.count()).toBeLessThan(CLIENTS / 2);
  });

  it("does not share its port with another process", async () => {
    const port = portOf(await open());
    const other = new WideServer({}, () => undefined);
    await expect(other.open({ host: "127.0.0.1", port, onError })).rejects.toThrow(/EADDRINUSE|is taken/);
  });

  it("is closed once every request is answered, whichever socket accepted it", async () => {
    const waiting: ServerResponse[] = [];
    const { promise: allIn, resolve } = Promise.withResolvers<undefined>();
    const busy = await open(response => {
      response.setHeader("Connection", "close");
      if (waiting.push(response) === HELD) resolve(undefined);
    });
    const answers = Promise.all(Array.from({ length: HELD }, () => answered(portOf(busy))));
    await allIn;
    let isClosed = false;
    const ended = new Promise<void>(done =>
      busy.close(() => {
        isClosed = true;
        done();
      }),
    );
    for (const response of waiting.splice(0)) {
      await sleep(1);
      expect(isClosed).toBe(false);
      response.end("here");
    }
    await Promise.all([answers, ended]);
  });

  it("takes nobody any more once it is closed, and ends", async () => {
    const closed = await open();
    const port = portOf(closed);
    await answered(port);
    const ended = new Promise(resolve => closed.close(resolve));
    closed.closeAllConnections();
    await ended;
    await expect(answered(port)).rejects.toThrow("ECONNREFUSED");
  });
});
