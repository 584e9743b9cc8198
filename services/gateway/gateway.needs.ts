// What the gateway needs of the cluster: an instance of every service that the contracts name.
import type { ServiceBroker } from "moleculer";
import { actions } from "../../core/contracts/index.ts";

const serviceOf = (action: string): string => action.slice(0, action.lastIndexOf("."));

const needed = [...Map.groupBy(Object.keys(actions), serviceOf)];

/** "v1.order": services without a single action that could be called now, wherever it runs. */
export const missingServices = ({ registry }: Pick<ServiceBroker, "registry">): string[] =>
  needed
    .filter(([, own]) => !own.some(action => registry.actions.isAvailable(action)))
    .map(([service]) => service)
    .sort();

/** @throws Error naming what is missing. */
export function requireServices(broker: Pick<ServiceBroker, "registry">): Promise<void> {
  const missing = missingServices(broker);
  return missing.length === 0 ? Promise.resolve() : Promise.reject(new Error(`none of ${missing.join(", ")}`));
}
