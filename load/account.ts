// Accounts: a registration, a login, and the keys that tokens are checked with. Hashing takes a core for a while: 1/s.
import exec from "k6/execution";
import http from "k6/http";
import type { Options } from "k6/options";
import { clientOf, is, options as frame, summaryOf } from "./lib/simple.ts";
import { constantArrivals } from "./lib/scenario.ts";
import { settings as settingsOf } from "./lib/settings.ts";
import { emailOf, type Start } from "./lib/shop.ts";

export { setup } from "./lib/simple.ts";

const settings = settingsOf({ rate: 1, duration: 15 });

export const options = {
  ...frame,
  scenarios: { steady: constantArrivals({ ...settings, usual: 2 }) },
  // Two hashes, and they wait for one another.
  thresholds: { ...frame.thresholds, "http_req_duration{scenario:steady}": ["p(99)<2000"] },
} satisfies Options;

export default function (start: Start): void {
  const client = clientOf(start);
  const email = emailOf(`${start.run}-account-${String(exec.scenario.iterationInTest)}`);
  const password = "load test battery staple";
  const name = "Load Test";
  is(client.post("/v1/auth/register", { email, password, name }, { name: "/v1/auth/register" }), 201);
  is(client.post("/v1/auth/login", { email, password }, { name: "/v1/auth/login" }), 200);
  is(
    http.get(`${settings.url}/.well-known/jwks.json`, {
      tags: { name: "GET /.well-known/jwks.json" },
      responseType: "text",
    }),
    200,
  );
}

export const handleSummary = summaryOf("account");
