// Calls between processes: any live process that hosts the service may get them, late, twice or never, and so the answers.
import { Errors } from "moleculer";
import type { Chance } from "./chance.ts";
import type { Faults } from "./faults.ts";
import type { Scheduler } from "./scheduler.ts";

/** Who calls and who is called: a process, or a client that lives outside of them. */
export interface Party {
  readonly name: string;
  readonly alive: boolean;
  resume(step: () => void): void;
}

export interface Host extends Party {
  /** It is stopping: calls go to others, if there are any. */
  readonly leaving: boolean;
  handle(action: string, params: unknown, meta: object): Promise<unknown>;
}

interface NetworkOptions {
  readonly scheduler: Scheduler;
  readonly chance: Chance;
  readonly faults: () => Faults;
  readonly hosts: () => readonly Host[];
  readonly note: (text: string) => void;
}

/** After it a caller gives up without knowing. Longer than a client's longest wait for an order. */
const TIMEOUT = 5_000;
/** A request or an answer lost with its connection is told sooner. */
const BROKEN = 300;

const copied = <T>(value: T): T => (value === undefined ? value : (JSON.parse(JSON.stringify(value)) as T));

/** Events by their ids: their data stand in the trace where they were written. */
const summary = (params: unknown, body: string): string =>
  typeof params === "object" && params !== null && "events" in params
    ? (params.events as { id: string }[]).map(({ id }) => id).join(" ")
    : body;

const describe = (error: unknown): string =>
  error instanceof Error ? ("type" in error ? String(error.type) : error.message) : String(error);

export class Network {
  readonly #options: NetworkOptions;
  #calls = 0;

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  call(caller: Party, action: string, params: unknown, meta: object): Promise<unknown> {
    const { scheduler, faults, note } = this.#options;
    const fate = faults().call(action);
    const label = `#${String((this.#calls += 1))} ${action}`;
    const body = JSON.stringify(params);
    note(`${caller.name} calls ${label} ${summary(params, body)}`);
    return new Promise((resolve, reject) => {
      let told = false;
      const tell = (after: number, outcome: string, settle: () => void): void => {
        scheduler.in(after, () => {
          if (told) return false;
          caller.resume(() => {
            if (told) return;
            told = true;
            note(`${caller.name} hears ${label} ${outcome}`);
            settle();
          });
          return true;
        });
      };
      const lost = (after: number): void => {
        tell(after, "TIMEOUT", () => {
          reject(new Errors.RequestTimeoutError({ action, nodeID: "any" }));
        });
      };
      lost(TIMEOUT);
      if (fate.again !== null) this.#deliver(fate.again, caller, label, { action, body, meta }, () => undefined);
      if (fate.request === null) {
        lost(BROKEN);
        return;
      }
      this.#deliver(fate.request, caller, label, { action, body, meta }, (outcome, settle) => {
        if (fate.answer === null) lost(BROKEN);
        else
          tell(fate.answer, outcome, () => {
            settle(resolve, reject);
          });
      });
    });
  }

  #deliver(
    after: number,
    caller: Party,
    label: string,
    { action, body, meta }: { action: string; body: string; meta: object },
    answer: (
      outcome: string,
      settle: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => void,
    ) => void,
  ): void {
    const { scheduler, note } = this.#options;
    scheduler.in(after, () => {
      const host = this.#choose(caller);
      if (host === null) {
        const error = new Errors.ServiceNotFoundError({ action });
        answer("NO HOST", (_, reject) => {
          reject(error);
        });
        return;
      }
      note(`${host.name} runs ${label}`);
      host.resume(() => {
        host.handle(action, JSON.parse(body), meta).then(
          value => {
            const result = copied(value);
            answer("ok", resolve => {
              resolve(result);
            });
          },
          (error: unknown) => {
            answer(describe(error), (_, reject) => {
              reject(error);
            });
          },
        );
      });
    });
  }

  /** The caller itself half of the time, as Moleculer prefers local services. */
  #choose(caller: Party): Host | null {
    const { chance, hosts } = this.#options;
    const alive = hosts().filter(host => host.alive);
    const staying = alive.filter(host => !host.leaving);
    const live = staying.length > 0 ? staying : alive;
    if (live.length === 0) return null;
    const own = live.find(host => host.name === caller.name);
    return own !== undefined && chance.happens(0.5) ? own : chance.pick(live);
  }
}
