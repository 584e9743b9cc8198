// Packets that NATS would refuse (1 MB, unless it was told otherwise) travel deflated: a page of orders with many lines is one.
import { promisify } from "node:util";
import { constants, deflate, inflate } from "node:zlib";
import type { Middleware } from "moleculer";

/** Below it nothing is gained: deflating takes some milliseconds. */
const LARGE_BYTES = 256 * 1024;
/** A packet of JSON begins with a brace, one that was deflated with this (RFC 1950). */
const DEFLATED = 0x78;
const small = promisify<Buffer, { level: number }, Buffer>(deflate);
const whole = promisify<Buffer, Buffer>(inflate);

type Send = (topic: string, data: Buffer, meta: unknown) => Promise<unknown>;
type Receive = (command: string, data: Buffer, more: unknown) => unknown;

export const largePackets = (): Middleware => {
  let warn: (message: string, error: unknown) => void = () => undefined;
  const hooks = {
    name: "LargePackets",
    created(broker: { getLogger(name: string): { warn: typeof warn } }) {
      const logger = broker.getLogger("transport");
      warn = (message, error) => {
        logger.warn(message, error);
      };
    },
    transporterSend:
      (next: Send): Send =>
      (topic, data, meta) =>
        data.length < LARGE_BYTES
          ? next(topic, data, meta)
          : small(data, { level: constants.Z_BEST_SPEED }).then(packet => next(topic, packet, meta)),
    transporterReceive:
      (next: Receive): Receive =>
      (command, data, more) => {
        if (data[0] !== DEFLATED) return next(command, data, more);
        const unpacked = whole(data).then(packet => next(command, packet, more));
        return unpacked.catch((error: unknown) => {
          warn("A packet cannot be read", error);
        });
      },
  };
  return hooks as unknown as Middleware;
};
