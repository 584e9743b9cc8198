// Keeps this process from writing documents for a moment, so that a backup can see all of them as they are together.

/** Broadcast to every process that has a database. */
export const HOLD_EVENT = "store.hold";
export interface HoldParams {
  /** From its arrival on, so that clocks need not agree; 0 ends a hold. */
  readonly ms: number;
}

/** It ends by itself, whatever becomes of who asked for it. */
class Hold {
  #held: PromiseWithResolvers<undefined> | null = null;
  #timer: NodeJS.Timeout | undefined;

  /** Resolves when writing may go on; null while nothing is held. */
  get held(): Promise<undefined> | null {
    return this.#held?.promise ?? null;
  }

  /** The last word counts. */
  hold(ms: number): void {
    clearTimeout(this.#timer);
    if (ms > 0) {
      this.#held ??= Promise.withResolvers();
      this.#timer = setTimeout(() => {
        this.#end();
      }, ms);
    } else this.#end();
  }

  #end(): void {
    this.#held?.resolve(undefined);
    this.#held = null;
  }
}

/** Of the process: a backup wants quiet in all of its databases. */
export const writes = new Hold();
