// Faults around each operation of a driver: what can go wrong before the database did it, and after.
import type { Driver, OpenDriver } from "../../core/store/driver.ts";

export type Operation = keyof Driver;

/** A hook that throws fails the operation; one that never resolves is a process that died there. */
export interface Faults {
  /** Nothing has been done yet. */
  before?(operation: Operation, collection: string): Promise<void> | void;
  /** It has been done, but nobody has been told. */
  after?(operation: Operation, collection: string): Promise<void> | void;
}

/** Hooks may be put in and taken out while it runs. */
export function withFaults(openDriver: OpenDriver, faults: Faults): OpenDriver {
  return spec => {
    const driver = openDriver(spec);
    const around = async <T>(operation: Operation, act: () => Promise<T>): Promise<T> => {
      await faults.before?.(operation, spec.name);
      const result = await act();
      await faults.after?.(operation, spec.name);
      return result;
    };
    return {
      durable: () => driver.durable(),
      read: asks => around("read", () => driver.read(asks)),
      write: writes => around("write", () => driver.write(writes)),
      list: query => around("list", () => driver.list(query)),
      count: () => around("count", () => driver.count()),
      due: (now, limit) => around("due", () => driver.due(now, limit)),
      pending: (limit, parked) => around("pending", () => driver.pending(limit, parked)),
      pendingOf: (ids, limit) => around("pendingOf", () => driver.pendingOf(ids, limit)),
      acknowledge: acknowledgements => around("acknowledge", () => driver.acknowledge(acknowledgements)),
      pendingCount: () => around("pendingCount", () => driver.pendingCount()),
    };
  };
}
