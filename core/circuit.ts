// A circuit breaker's decisions: one per action and node, on the side that calls. Source: Nygard, "Release It!" (2007).
import type { Breaker } from "./policy.ts";

export type CircuitState = "CLOSED" | "HALF_OPEN" | "OPEN";

export class Circuit {
  readonly #settings: Breaker;
  #state: CircuitState = "CLOSED";
  #windowEnds = 0;
  #calls = 0;
  #failures = 0;

  constructor(settings: Breaker) {
    this.#settings = settings;
  }

  get state(): CircuitState {
    return this.#state;
  }
  get calls(): number {
    return this.#calls;
  }
  get failures(): number {
    return this.#failures;
  }
  get openMs(): number {
    return this.#settings.openMs;
  }

  /** Of a call that went through while it was closed. Returns true when this opens it. */
  count(failed: boolean, now: number): boolean {
    if (this.#state !== "CLOSED") return false;
    if (now >= this.#windowEnds) {
      this.#windowEnds = now + this.#settings.windowMs;
      this.#calls = 0;
      this.#failures = 0;
    }
    this.#calls += 1;
    if (!failed) return false;
    this.#failures += 1;
    const { minimum, threshold } = this.#settings;
    if (this.#calls < minimum || this.#failures / this.#calls < threshold) return false;
    this.#state = "OPEN";
    return true;
  }

  /** One call may try now. */
  letTry(): void {
    this.#state = "HALF_OPEN";
  }

  /** The outcome of that one: any answer closes the circuit, a refusal too. */
  tried(failed: boolean): void {
    this.#state = failed ? "OPEN" : "CLOSED";
    this.#windowEnds = 0;
  }
}
