// The frame of the simple scripts: a steady, moderate load on one service, and thresholds on what it answers.
import { check } from "k6";
import type { Options } from "k6/options";
import { Client, type Answer } from "./client.ts";
import { common, constantArrivals } from "./scenario.ts";
import { settings as settingsOf } from "./settings.ts";
import { prepare, type Start } from "./shop.ts";
import { summary, type Result } from "./summary.ts";

export const settings = settingsOf({ rate: 20, duration: 15 });

export const options = {
  ...common,
  scenarios: { steady: constantArrivals({ ...settings, usual: 0.5 }) },
  thresholds: {
    checks: ["rate==1"],
    // Without what setup() asks.
    "http_req_failed{scenario:steady}": ["rate==0"],
    "http_req_duration{scenario:steady}": ["p(99)<1000"],
    dropped_iterations: ["count==0"],
  },
} satisfies Options;

export const setup = (): Start => prepare(settings);

let client: Client | undefined;
/** One per virtual user. */
export const clientOf = (start: Start): Client => (client ??= new Client(settings, start.session));

export const is = (answer: Answer, ...statuses: number[]): boolean =>
  check(answer, { "the answer is the right one": ({ status }) => statuses.includes(status) });

export const idIn = ({ body }: Answer): string => (JSON.parse(body) as { id: string }).id;

export const summaryOf = (name: string) => (result: Result) => summary(name, settings, result);
