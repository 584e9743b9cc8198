// The checkout for a long time: what grows (memory, lag, latency) shows only then.
import { checkouts } from "./lib/checkouts.ts";

const script = checkouts("soak", { rate: 20, duration: 1800 });

export const { options, setup, teardown, handleSummary } = script;
export default script.run;
