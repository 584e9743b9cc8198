// An HTTP server that takes many new connections at once. libuv accepts one per turn of the event loop and listening
// socket; turns are long exactly when many clients come. So several sockets share the port. ADR 27 has the measurement.
import { Server as HttpServer } from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import { checkPort, closed, listening, portOf } from "./ports.ts";

/** Two hundred buyers of a sale are accepted within some twenty turns. */
const SOCKETS = 16;

export interface Place {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** A connection could not be accepted; the next may. */
  readonly onError: (error: Error) => void;
}

const isUnsupported = (error: unknown): boolean =>
  error instanceof Error && "code" in error && ["ENOTSUP", "EINVAL", "ENOPROTOOPT"].includes(String(error.code));

export class WideServer extends HttpServer {
  readonly #acceptors: Server[] = [];

  /** @throws as `listen` does; on a system that cannot share a port it listens on one socket. */
  async open(place: Place): Promise<void> {
    const { host, port, onError } = place;
    // Sockets that share a port would also share it with another process.
    if (port !== 0) await checkPort(host, port, "COMPTOIR_PORT");
    try {
      await listening(this, { host, port, reusePort: true });
    } catch (error) {
      if (!isUnsupported(error)) throw error;
      await listening(this, { host, port });
      this.on("error", onError);
      return;
    }
    this.on("error", onError);
    const own = { host, port: portOf(this), reusePort: true };
    for (let count = 1; count < SOCKETS; count += 1) {
      const acceptor = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
        this.#take(socket);
      });
      await listening(acceptor, own);
      acceptor.on("error", onError);
      this.#acceptors.push(acceptor);
    }
  }

  /** Each socket counts the connections that it has accepted: it is closed once all of them are. */
  override close(callback?: (error?: Error) => void): this {
    const others = this.#acceptors.splice(0).map(closed);
    return super.close(error => {
      void Promise.all(others).then(() => callback?.(error));
    });
  }

  /** The documented way to hand a server a connection that it has not accepted itself. */
  #take(socket: Socket): void {
    this.emit("connection", socket);
  }
}
