// What the nodes log, and changing it: each node keeps its own levels, so each is asked.
import type { ServiceBroker } from "moleculer";
import type { Params, Result } from "../../core/contracts/index.ts";
import { fail } from "../../core/errors.ts";
import type { LevelsView } from "../../core/logging/levels.ts";

type Levels = Result<"v1.registry.logLevels">;
type Change = Params<"v1.registry.setLogLevel">;

/** A node that is frozen and not yet given up must not hold up the answer. */
const ASK_MS = 1_000;

const refused = (pointer: string, detail: string): Error =>
  fail("VALIDATION_FAILED", detail, { errors: [{ pointer, message: detail }] });

function nodesOf({ registry }: ServiceBroker, node: string | undefined): string[] {
  const ids = registry.nodes.toArray().flatMap(({ available, id }) => (available ? [id] : []));
  if (node === undefined) return ids;
  if (ids.includes(node)) return [node];
  throw refused("/node", `No node is called ${node}: take one of ${ids.sort().join(", ")}`);
}

async function askAll(broker: ServiceBroker, nodes: readonly string[], action: string, params: object) {
  const answers = await Promise.allSettled(
    nodes.map(nodeID =>
      broker.call<LevelsView & { applied?: boolean }, object>(action, params, { nodeID, timeout: ASK_MS }),
    ),
  );
  const items = answers.flatMap((answer, index) =>
    answer.status === "fulfilled" ? [{ node: nodes[index] ?? "", view: answer.value }] : [],
  );
  const silent = nodes.filter((_, index) => answers[index]?.status === "rejected");
  return { items, silent };
}

const shown = ({ items, silent }: Awaited<ReturnType<typeof askAll>>): Levels => ({
  items: items
    .map(({ node, view: { level, modules, known } }) => ({ node, level, modules: [...modules], known: [...known] }))
    .sort((a, b) => a.node.localeCompare(b.node)),
  nextCursor: null,
  silent: [...silent],
});

export const logLevels = async (broker: ServiceBroker): Promise<Levels> =>
  shown(await askAll(broker, nodesOf(broker, undefined), "$node.logLevels", {}));

/** @throws VALIDATION_FAILED when there is no such node, or none of them has such a module */
export async function setLogLevel(broker: ServiceBroker, { node, level, module }: Change): Promise<Levels> {
  const nodes = nodesOf(broker, node);
  const change = { level, ...(module === undefined ? {} : { module: module.toLowerCase() }) };
  const answers = await askAll(broker, nodes, "$node.setLogLevel", change);
  if (answers.items.length > 0 && answers.items.every(({ view }) => view.applied === false)) {
    const known = [...new Set(answers.items.flatMap(({ view }) => view.known))].sort();
    throw refused("/module", `No module is called ${String(module)}: take one of ${known.join(", ")}`);
  }
  return shown(answers);
}
