// Calls with the same key go to the same node while it is there: highest random weight (Thaler and Ravishankar, 1998).
// A node that leaves moves its own keys only, and they come back with it.
import { Strategies, type Context, type Endpoint } from "moleculer";

/** FNV-1a with murmur3's final mixing: neighbours (SKU 1, SKU 2) must not have neighbouring weights. */
export function weight(key: string, node: string): number {
  let hash = 0x811c9dc5;
  for (const part of [key, "\0", node]) {
    for (let index = 0; index < part.length; index += 1) {
      hash = Math.imul(hash ^ part.charCodeAt(index), 0x01000193);
    }
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Of equal weights the smaller name, so that every caller chooses alike. Null when there is none. */
export function choose<N extends { readonly id: string }>(key: string, nodes: readonly N[]): N | null {
  let best: N | null = null;
  let most = -1;
  for (const node of nodes) {
    const own = weight(key, node.id);
    if (best === null || own > most || (own === most && node.id < best.id)) [best, most] = [node, own];
  }
  return best;
}

/** Moleculer hands over the available endpoints only: behind an open circuit the next node gets the key, until it closes. */
class RendezvousStrategy extends Strategies.Base {
  readonly #name: string;
  #next = 0;

  constructor(...args: ConstructorParameters<typeof Strategies.Base>) {
    super(...args);
    this.#name = (args[2] as { key?: string } | undefined)?.key ?? "";
  }

  override select(list: Endpoint[], ctx?: Context): Endpoint {
    const key = (ctx?.params as Record<string, unknown> | undefined)?.[this.#name];
    // Without a key, whoever is next.
    const any = list[this.#next++ % list.length] as Endpoint;
    return typeof key === "string" ? (choose(key, list) ?? any) : any;
  }
}

export const RENDEZVOUS = "Rendezvous";
/** By name, because a strategy travels in the registry to the nodes that call. */
Strategies.register(RENDEZVOUS, RendezvousStrategy as unknown as Strategies.Base);
