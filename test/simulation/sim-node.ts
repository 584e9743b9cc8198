// A process of the simulated cluster. Whatever its code waits for comes through `resume`: once it is dead nothing of it
// ever goes on, and while it is frozen (a long pause of the machine or the garbage collector) everything waits.
import type { Clock } from "../../core/kernel/clock.ts";
import type { Scheduler } from "./scheduler.ts";

export class SimNode {
  readonly name: string;
  readonly clock: Clock;
  readonly #scheduler: Scheduler;
  #alive = true;
  #frozenUntil = 0;

  /** @param skew how far its clock is from the true time, in ms. */
  constructor(name: string, scheduler: Scheduler, skew: number) {
    this.name = name;
    this.#scheduler = scheduler;
    this.clock = {
      now: () => scheduler.now + skew,
      sleep: ms =>
        new Promise(resolve => {
          scheduler.in(ms, () => {
            this.resume(resolve);
          });
        }),
      defer: task => {
        scheduler.in(0, () => {
          this.resume(task);
        });
      },
    };
  }

  get alive(): boolean {
    return this.#alive;
  }

  get frozen(): boolean {
    return this.#frozenUntil > this.#scheduler.now;
  }

  die(): void {
    this.#alive = false;
  }

  freeze(ms: number): void {
    this.#frozenUntil = this.#scheduler.now + ms;
  }

  /** Runs `step` now, when the freeze ends, or never. */
  resume(step: () => void): void {
    if (!this.#alive) return;
    if (!this.frozen) step();
    else
      this.#scheduler.at(this.#frozenUntil, () => {
        this.resume(step);
      });
  }
}
