import { describe, expect, it } from "@jest/globals";
import { redacted } from "../../../core/logging/redaction.ts";

const token = "eyJhbGciOiJFZERTQSIsImtpZCI6ImEifQ.eyJzdWIiOiJhIiwiZXhwIjoxfQ.c2lnbmF0dXJlLXRoYXQtaXMtbG9uZw";

describe("A line leaves without", () => {
  it.each([
    ["an address", "No account eve.o'mallory+x@example.co.uk here", "eve", "No account"],
    ["an address of another script", "müller@bücher.example is taken", "müller", "is taken"],
    ["an address in JSON", '{"email":"eve@example.org"}', "eve@", "email"],
    ["a token", `Bearer ${token} is malformed`, "eyJ", "is malformed"],
    ["the beginning of a token", `at ${token.slice(0, 40)}…`, "eyJ", "at "],
    ["a payment method", "The method pm_card_visa is unknown", "pm_card", "is unknown"],
    ["a card number", "The method 4242424242424242 is unknown", "4242", "is unknown"],
    ["a card number as people write it", "4242 4242 4242 4242 was sent", "4242", "was sent"],
    ["a password in a URL", "mongodb://shop:hunter2@mongo.internal:27017 is away", "hunter2", "is away"],
    ["a password by its name", "got password=hunter2, user=eve", "hunter2", "user=eve"],
    ["a password with a quote in it", JSON.stringify({ password: 'hun"ter2', name: 1 }), "ter2", "name"],
    [
      "a password in JSON within the line",
      JSON.stringify({ msg: '{"password":"hun\\"ter2","name":"x"}' }),
      "ter2",
      "name",
    ],
    ["a password in a line that is itself JSON", '{"adminPassword":"hunter2","a":1}', "hunter2", '"a":1'],
    ["a card number before its date and code", "4242 4242 4242 4242 12/28 123 was sent", "4242", "was sent"],
    ["a card number before its code alone", "4242424242424242 123 was sent", "4242", "was sent"],
    ["a card number beside another digit", "SKU 1 4242424242424242 is unknown", "4242", "is unknown"],
    ["a card number in an id", "customer id_4242424242424242_x is unknown", "4242", "is unknown"],
    ["a card number with dots", "378282246310005 and 4242.4242.4242.4242", "4242.", "and"],
    ["a card number of fewer digits", "The method 3782 822463 10005 is unknown", "822463", "is unknown"],
    ["a token within a word", `x_${token} is malformed`, "eyJ", "is malformed"],
    ["a token by its name", '{"accessToken":"abcd","a":1}', "abcd", '"a":1'],
    ["a token in a URL", "nats://s3cret@nats.internal:4222 is away", "s3cret", "is away"],
    ["a password with an @ in a URL", "http://u:p@w0rd@host/path", "w0rd", "host/path"],
    ["a payment method in capitals", "The method PM_card_visa is unknown", "card_visa", "is unknown"],
    ["an address without a domain", "No account eve@localhost here", "eve", "here"],
    ["an address with a quoted name", 'No account "eve doe"@example.org here', "eve", "here"],
    ["an encoded address", "GET /v1/customers/eve%40example.org failed", "eve", "failed"],
    ["an Authorization header", "authorization: Basic aHVudGVyMg==", "aHVud", "authorization"],
  ])("%s", (_, line, secret, rest) => {
    const left = redacted(line);
    expect(left).not.toContain(secret);
    expect(left).toContain(rest);
  });
});

it.each([
  '{"traceId":"4bf92f3577b34da6a3ce929d0e0e4736","time":"2026-11-28T17:40:01.523Z"}',
  "at file:///app/node_modules/@opentelemetry/sdk-trace/dist/index.mjs:12:3",
  "moleculer@0.15.2 started, position 1764351601523000 of 1764351601523",
  "No product has SKU BANK CHARGES",
])("A line without any of these stays as it is: %s", line => {
  expect(redacted(line)).toBe(line);
});

it("A long line costs its length, not its square", () => {
  const timed = (length: number): number => {
    const line = `${"x".repeat(length)} 12345678901234 @ password`;
    const began = performance.now();
    redacted(line);
    return performance.now() - began;
  };
  timed(1_000);
  expect(timed(200_000)).toBeLessThan(2_000);
});
