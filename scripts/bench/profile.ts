// Where a process spent its time, from V8's own CPU profile: each sample counts for the nearest frame that names a part.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
  readonly children?: readonly number[];
}
interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** First match wins; tried on the frame itself, then on its callers. */
const parts: readonly (readonly [part: string, pattern: RegExp])[] = [
  ["store", /core\/store\/|node:sqlite/],
  ["event log and delivery", /services\/bridge\/|core\/reactions/],
  ["billing", /services\/billing\//],
  ["inventory", /services\/inventory\//],
  ["notification", /services\/notification\//],
  ["saga and order", /core\/saga\/|services\/order\//],
  [
    "HTTP",
    /services\/gateway\/|moleculer-web|node:http|node:_http|node:net|node:internal\/(?:http|streams|stream_base|net)|body-parser|helmet/,
  ],
  ["broker", /node_modules\/moleculer\/|core\/(?:context|service|middlewares|request)/],
];

/** Shares of the busy time, by part. */
export function sharesOf(folder: string): Map<string, number> {
  const file = readdirSync(folder).find(name => name.endsWith(".cpuprofile"));
  if (file === undefined) throw new Error(`No CPU profile in ${folder}`);
  const profile = JSON.parse(readFileSync(join(folder, file), "utf8")) as CpuProfile;
  const nodes = new Map(profile.nodes.map(node => [node.id, node]));
  const parents = new Map(profile.nodes.flatMap(node => (node.children ?? []).map(child => [child, node.id] as const)));
  const partOfNode = new Map<number, string | null>();

  const partOf = (id: number): string | null => {
    const known = partOfNode.get(id);
    if (known !== undefined) return known;
    const part = classify(nodes.get(id), () => {
      const parent = parents.get(id);
      return parent === undefined ? "other" : partOf(parent);
    });
    partOfNode.set(id, part);
    return part;
  };

  const times = new Map<string, number>();
  profile.samples.forEach((id, index) => {
    const part = partOf(id);
    if (part !== null) times.set(part, (times.get(part) ?? 0) + (profile.timeDeltas[index] ?? 0));
  });
  const busy = [...times.values()].reduce((sum, time) => sum + time, 0);
  return new Map([...times].map(([part, time]) => [part, time / busy] as const).sort((a, b) => b[1] - a[1]));
}

/** Null: idle time. */
function classify(node: ProfileNode | undefined, byCaller: () => string | null): string | null {
  const { functionName = "", url = "" } = node?.callFrame ?? {};
  if (functionName === "(idle)") return null;
  if (functionName === "(garbage collector)") return "garbage collector";
  return parts.find(([, pattern]) => pattern.test(url))?.[0] ?? byCaller();
}
