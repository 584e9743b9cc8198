// npm run simulate -- --seeds 2000: runs seeds until one breaks a promise. --seed 7 --trace shows what happened in one.
import { Command, InvalidArgumentError } from "commander";
import { simulate, type Outcome } from "./simulate.ts";

interface Options {
  readonly seeds: number;
  readonly from: number;
  readonly seed?: number;
  readonly trace?: true;
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError("a whole number from 1");
  return value;
}

function show({ seed, violations, trace, hash, events, orders }: Outcome, withTrace: boolean): void {
  if (withTrace) for (const line of trace) console.log(line);
  const verdict = violations.length === 0 ? "holds" : "BROKEN";
  console.log(`seed ${String(seed)} ${verdict}: ${String(orders)} orders, ${String(events)} events, trace ${hash}`);
  for (const violation of violations) console.log(`  ${violation}`);
}

async function main({ seeds, from, seed, trace }: Options): Promise<void> {
  const first = seed ?? from;
  const last = seed ?? from + seeds - 1;
  const began = performance.now();
  let broken = 0;
  for (let current = first; current <= last; current += 1) {
    const outcome = await simulate(current);
    if (outcome.violations.length > 0) broken += 1;
    if (outcome.violations.length > 0 || seed !== undefined) show(outcome, trace === true);
  }
  const count = last - first + 1;
  const perSeed = (performance.now() - began) / count;
  console.log(`${String(count)} seeds, ${String(broken)} broken, ${perSeed.toFixed(1)} ms each`);
  if (broken > 0) {
    console.log("Reproduce one with: npm run simulate -- --seed <n> --trace");
    process.exitCode = 1;
  }
}

const { seeds, from, seed, trace } = new Command("simulate")
  .description("Runs the whole shop in virtual time with faults, and checks at the end of each seed what it promises.")
  .option("--seeds <count>", "how many seeds to run", whole, 500)
  .option("--from <seed>", "the first of them", whole, 1)
  .option("--seed <seed>", "run this one only", whole)
  .option("--trace", "show everything that happened")
  .parse()
  .opts<Options>();
await main({ seeds, from, ...(seed === undefined ? {} : { seed }), ...(trace === undefined ? {} : { trace }) });
