// The whole way of a customer, at a steady rate: what a customer feels on a usual day.
import { checkouts } from "./lib/checkouts.ts";

const script = checkouts("checkout", { rate: 20, duration: 30 });

export const { options, setup, teardown, handleSummary } = script;
export default script.run;
