import { describe, expect, it } from "@jest/globals";
import { StartupError } from "../../core/startup-error.ts";
import { waitForServers, type ServerCheck } from "../../core/servers.ts";

const pause = { first: 1, longest: 5 };

function wait(checks: readonly ServerCheck[], timeoutMs: number) {
  const lines: string[] = [];
  const done = waitForServers(checks, {
    timeoutMs,
    setting: "COMPTOIR_STARTUP_TIMEOUT",
    say: line => lines.push(line),
    pause,
  });
  return { done, lines };
}

describe("A start waits for its servers", () => {
  it("asks again until each has answered, and says each time why not yet", async () => {
    let asked = 0;
    const late: ServerCheck = {
      name: "NATS n:4222",
      prefix: "NATS",
      attempt: () => {
        asked += 1;
        return asked < 3 ? Promise.reject(new Error("connection\nrefused")) : Promise.resolve();
      },
    };
    const there: ServerCheck = { name: "Kafka k:9092", prefix: "KAFKA", attempt: () => Promise.resolve() };
    const { done, lines } = wait([there, late], 60_000);
    await done;
    expect(lines).toEqual([
      expect.stringMatching(/^waiting for NATS n:4222: connection \| refused \(attempt 1, (60|59) s left\)$/),
      expect.stringMatching(/^waiting for NATS n:4222: connection \| refused \(attempt 2, (60|59) s left\)$/),
    ]);
  });

  it("gives up after its time, with the server's name, the reason and the setting", async () => {
    const gone: ServerCheck = {
      name: "MongoDB m:27017",
      prefix: "MONGO",
      attempt: () => Promise.reject(new Error("no route")),
    };
    const { done, lines } = wait([gone], 100);
    const error: unknown = await done.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StartupError);
    expect(String(error)).toMatch(/MongoDB m:27017 did not answer within 0 s \(no route\).*COMPTOIR_STARTUP_TIMEOUT/);
    expect(lines.length).toBeGreaterThan(1);
  });

  it("gives up even on one that never answers at all", async () => {
    const silent: ServerCheck = {
      name: "Kafka k:9092",
      prefix: "KAFKA",
      attempt: () => Promise.withResolvers<undefined>().promise,
    };
    await expect(wait([silent], 50).done).rejects.toThrow(/Kafka k:9092 did not answer .*\(no answer\)/);
  });

  it("tells why it was not let in, also when there was no answer after that", async () => {
    const reasons = ["connection refused", "'Authorization Violation'"];
    const closed: ServerCheck = {
      ...{ name: "NATS n:4222", prefix: "NATS" },
      attempt: () => Promise.reject(new Error(reasons.shift() ?? "timed out")),
    };
    await expect(wait([closed], 100).done).rejects.toThrow(/let this node in .*\(Authorization Violation\)/);
  });

  it.each([
    [
      "KAFKA",
      "Connection error: 4AF0:error:0A00:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:../x.c:918:SSL alert number 116\n",
      /\(Connection error: tlsv13 alert certificate required\): .*KAFKA_TLS_CERT_FILE/,
    ],
    ["MONGO", "Command find requires authentication", /it asks for a login: set MONGO_USER and MONGO_PASSWORD/],
    ["MONGO", "self-signed certificate in certificate chain", /MONGO_TLS_CA_FILE$/],
    ["NATS", "'Authorization Violation'", /\(Authorization Violation\): check NATS_USER/],
    [
      "NATS",
      "Hostname/IP does not match certificate's altnames: Host: n. is not cert's CN: m",
      /another host: check NATS_URL$/,
    ],
    ["KAFKA", "The broker does not support the requested SASL mechanism", /KAFKA_SASL_MECHANISM$/],
    ["KAFKA", "Closed connection", /asks for TLS \(KAFKA_TLS\)/],
  ] as const)("names the settings of %s when it is not let in: %s", async (prefix, said, expected) => {
    const closed: ServerCheck = { name: "s:1", prefix, attempt: () => Promise.reject(new Error(said)) };
    const error: unknown = await wait([closed], 50).done.catch((reason: unknown) => reason);
    expect(String(error)).toMatch(/s:1 did not let this node in within 0 s \([^\n]*$/);
    expect(String(error)).toMatch(expected);
  });
});
