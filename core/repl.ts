// `npm run repl`: Moleculer's REPL as an operator with every scope, in the process of an embedded shop, or as a node of
// its own that joins a cluster and serves nothing.
import { Errors, ServiceBroker, type CallingOptions } from "moleculer";
import { brokerOptions } from "../moleculer.config.ts";
import type { Config } from "./config.ts";
import type { Meta } from "./context.ts";
import { scopes } from "./contracts/action.ts";
import { actions, type ActionName, type Result } from "./contracts/index.ts";
import type { FieldError } from "./kernel/errors.ts";

/** What only services may call (a replay of dead letters) is called as one. */
function operatorFor(name: string): Meta {
  const internal = Object.hasOwn(actions, name) && actions[name as ActionName].auth === "internal";
  return {
    principal: internal
      ? { kind: "service", id: "operator" }
      : { kind: "user", id: "operator", scopes, customerId: null },
  };
}

/** The REPL reads 22423 as a number, and there a SKU is a text: the contract tells. */
function asContract(name: string, params: unknown): unknown {
  const contract = Object.hasOwn(actions, name) ? actions[name as ActionName] : undefined;
  if (contract === undefined || typeof params !== "object" || params === null) return params;
  const { properties } = contract.params as { properties?: Record<string, { type?: unknown }> };
  const fit = ([key, value]: [string, unknown]): [string, unknown] =>
    typeof value === "number" && properties?.[key]?.type === "string" ? [key, String(value)] : [key, value];
  return Object.fromEntries(Object.entries(params).map(fit));
}

/** With what is wrong about which parameter, where that is what is wrong. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (!(error instanceof Errors.ValidationError) || !Array.isArray(error.data)) return error.message;
  return (error.data as FieldError[]).map(({ pointer, message }) => `${pointer.slice(1)} ${message}`).join(", ");
}

type Call = (name: string, params: unknown) => Promise<unknown>;

/** `log-level` shows what the nodes log, `log-level debug order` changes it. */
const logLevelCommand = (call: Call) => ({
  command: "log-level [level] [module]",
  alias: null,
  allowUnknownOptions: false,
  parse: null,
  options: [],
  description: "What the nodes log; with a level changes it until the processes end: of one module or everything",
  async action(_broker: unknown, { level, module }: { level?: string; module?: string }) {
    const change = { level, ...(module === undefined ? {} : { module }) };
    try {
      const answer = await (level === undefined
        ? call("v1.registry.logLevels", {})
        : call("v1.registry.setLogLevel", change));
      for (const { node, level: now, modules } of (answer as Result<"v1.registry.logLevels">).items) {
        const own = modules.map(each => `${each.module} ${each.level}`).join(", ");
        process.stdout.write(`${node}: ${now}${own === "" ? "" : ` (${own})`}\n`);
      }
    } catch (error) {
      process.stdout.write(`${reasonOf(error)}\n`);
    }
  },
});

/**
 * Only the calls typed here get the operator: they go through a broker of their own, that inherits the rest.
 * @param stop what leaving the REPL does.
 */
export async function startRepl(broker: ServiceBroker, stop: () => Promise<void>): Promise<void> {
  const { default: start } = await import("moleculer-repl");
  const call = (name: string, params: unknown, options?: CallingOptions): Promise<unknown> =>
    broker.call(name, asContract(name, params), { ...options, meta: { ...operatorFor(name), ...options?.meta } });
  start(Object.create(broker, { call: { value: call }, stop: { value: stop } }) as ServiceBroker, {
    customCommands: [logLevelCommand(call)],
    delimiter: "comptoir $",
  });
}

/** Resolves once it has joined, with what leaves again and ends the process; so does leaving the REPL. */
export async function joinWithRepl(config: Config): Promise<() => Promise<void>> {
  const broker = new ServiceBroker(brokerOptions(config));
  await broker.start();
  const leave = async (): Promise<void> => {
    await broker.stop();
    process.exit(0);
  };
  await startRepl(broker, leave);
  return leave;
}
