// The dependency rules are real: each forbidden line is refused, with the message that says what to do instead.
import { describe, expect, it } from "@jest/globals";
import { ESLint, type Linter } from "eslint";
import tseslint from "typescript-eslint";
import config from "../../eslint.config.ts";

/** None of the rules here asks for types, and without them a file need not exist. */
const withoutTypes: Linter.Config[] = [
  ...config,
  tseslint.configs.disableTypeChecked,
  { languageOptions: { parserOptions: { projectService: false } } },
];
const eslint = new ESLint({ overrideConfigFile: true, overrideConfig: withoutTypes });

async function problems(filePath: string, text: string): Promise<string[]> {
  const [result] = await eslint.lintText(text, { filePath });
  return (result?.messages ?? [])
    .filter(({ ruleId }) => ruleId !== "@typescript-eslint/no-unused-vars" && ruleId !== "no-undef")
    .map(({ message }) => message);
}

const use = (specifier: string) => `import { x } from "${specifier}";\nx();\n`;
const useType = (specifier: string) => `import type { X } from "${specifier}";\nexport type Y = X;\n`;
const lines = (count: number) => "x();\n".repeat(count);

describe("The linter refuses", () => {
  it.each([
    [
      "core importing a service",
      "core/reactions.ts",
      use("../services/order/order.domain.ts"),
      "core knows no service",
    ],
    ["a type of a service in core", "core/a/b.ts", useType("../../services/order/x.ts"), "core knows no service"],
    [
      "a service importing another",
      "services/order/x.ts",
      use("../billing/invoice.domain.ts"),
      "never imports another",
    ],
    [
      "a type of another service",
      "services/order/x.ts",
      useType("../billing/billing.schema.ts"),
      "never imports another",
    ],
    ["a folder of a service doing so", "services/order/a/x.ts", use("../../billing/y.ts"), "never imports another"],
    [
      "a domain file of a service doing so",
      "services/order/x.domain.ts",
      use("../billing/y.ts"),
      "never imports another",
    ],
    [
      "a service importing the tests",
      "services/order/x.ts",
      use("../../test/support/orders.ts"),
      "never imports another",
    ],
    ["the kernel importing core", "core/kernel/money.ts", use("../errors.ts"), "imports only itself"],
    ["the kernel importing a package", "core/kernel/money.ts", use("moleculer"), "imports only itself"],
    ["the kernel importing Node", "core/kernel/ids.ts", use("node:crypto"), "imports only itself"],
    ["Kafka beside its file", "services/bridge/delivery.ts", use("kafkajs"), "core/kafka-*.ts only"],
    ["what Kafka does not export", "services/bridge/delivery.ts", use("kafkajs/src/index.js"), "core/kafka-*.ts only"],
    ["Kafka in core", "core/node.ts", use("kafkajs"), "core/kafka-*.ts only"],
    ["Kafka's values beside its client", "core/kafka-consumer.ts", use("kafkajs"), "core/kafka-*.ts only"],
    [
      "Kafka past the rules of imports",
      "services/bridge/delivery.ts",
      'createRequire(import.meta.url)("kafkajs");\n',
      "core/kafka-{queue,reader,runner}.ts only",
    ],
    [
      "a package past the rules of imports in a domain file",
      "services/order/order.domain.ts",
      'createRequire(import.meta.url)("kafkajs");\n',
      "core/kafka-{queue,reader,runner}.ts only",
    ],
    ["MongoDB beside its file", "core/store/host.ts", use("mongodb"), "core/store/mongo-*.ts only"],
    ["MongoDB in a service", "services/order/x.ts", use("moleculer-db-adapter-mongo"), "core/store/mongo-*.ts only"],
    ["a metric beside the registry", "services/order/x.ts", use("prom-client"), "core/metrics/registry.ts only"],
    ["a metric in core", "core/ops.ts", use("prom-client"), "core/metrics/registry.ts only"],
    ["Moleculer in a domain file", "services/order/order.domain.ts", use("moleculer"), "knows no framework"],
    ["Node in a domain file", "services/order/order.domain.ts", use("node:fs"), "does no I/O"],
    [
      "the store in a domain file",
      "services/order/order.domain.ts",
      use("../../core/store/port.ts"),
      "decides on data",
    ],
    ["the environment beside its file", "services/order/x.ts", "f(process.env);\n", "core/config.ts only"],
    ["the environment in core", "core/main.ts", "f(process.env.HOME);\n", "core/config.ts only"],
    ["the environment in a script", "scripts/x/main.ts", use("node:process"), "core/config.ts only"],
    ["the environment in a domain file", "services/a/x.domain.ts", "f(process.env);\n", "core/config.ts only"],
    ["a clock in a domain file", "services/order/order.domain.ts", "f(Date.now());\n", "Time comes in"],
    ["a clock made of Date", "services/order/order.handlers.ts", "f(new Date());\n", "Time comes in"],
    ["a timer in a handler", "services/order/order.handlers.ts", "setTimeout(f, 1);\n", "Time comes in"],
    ["chance in the kernel", "core/kernel/random.ts", "f(Math.random());\n", "Chance comes in"],
    ["chance in the saga engine", "core/saga/engine.ts", "f(crypto.randomUUID());\n", "Chance comes in"],
    ["a file of 251 lines", "services/order/x.ts", lines(251), "too many lines"],
    ["a function of 41 lines", "core/x.ts", `function f() {\n${lines(39)}}\nf();\n`, "too many lines"],
  ])("%s", async (_what, file, text, message) => {
    expect(await problems(file, text)).toEqual([expect.stringContaining(message)]);
  });
});

describe("The linter lets pass", () => {
  it.each([
    ["a service using core", "services/order/x.ts", use("../../core/errors.ts")],
    ["a service using itself", "services/order/x.ts", use("./order.domain.ts")],
    ["a folder of a service using its service", "services/order/a/x.ts", use("../order.domain.ts")],
    ["a domain file knowing a type of the store", "services/order/x.domain.ts", useType("../../core/store/port.ts")],
    ["a domain file using the kernel", "services/order/x.domain.ts", use("../../core/kernel/money.ts")],
    ["the kernel using itself", "core/kernel/decider.ts", use("./errors.ts")],
    ["Kafka in its file", "core/kafka-client.ts", use("kafkajs")],
    ["Kafka's types beside its client", "core/kafka-consumer.ts", 'export type { Consumer } from "kafkajs";\n'],
    ["MongoDB in its file", "core/store/mongo-driver.ts", use("mongodb")],
    ["metrics in their file", "core/metrics/registry.ts", use("prom-client")],
    ["the environment in its file", "core/config.ts", "f(process.env);\n"],
    ["a moment given as data", "services/order/x.domain.ts", "f(new Date(0));\n"],
    ["a file of 250 lines", "services/order/x.ts", lines(250)],
    ["a function of 40 lines", "core/x.ts", `function f() {\n${lines(38)}}\nf();\n`],
  ])("%s", async (_what, file, text) => {
    expect(await problems(file, text)).toEqual([]);
  });
});
