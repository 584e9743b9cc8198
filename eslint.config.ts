// The linter's rules. The dependency rules are those of docs/architecture.md; test/unit/lint.test.ts sees each of them fail.
import js from "@eslint/js";
import { defineConfig, type Config } from "eslint/config";
import tseslint from "typescript-eslint";

interface Forbidden {
  /** Of the import's specifier: we import relative paths and package names only. */
  readonly regex: string;
  readonly message: string;
  readonly allowTypeImports?: boolean;
}

const kafka: Forbidden = {
  regex: "^(kafkajs|@platformatic/kafka)(/|$)",
  message: "The Kafka client is used in core/kafka-*.ts only: use the EventLog port of services/bridge.",
};
const mongo: Forbidden = {
  regex: "^(mongodb|moleculer-db-adapter-mongo)(/|$)",
  message: "The MongoDB driver is imported in core/store/mongo-*.ts only: use the DocumentStore port.",
};
const environment: Forbidden = {
  regex: "^(node:)?process$",
  message: "The environment is read in core/config.ts only: take what you need from Config.",
};
const prometheus: Forbidden = {
  regex: "^prom-client(/|$)",
  message:
    "Metrics are made in core/metrics/registry.ts only: name yours in core/metrics/catalogue.ts and take it there.",
};
const everywhere = [kafka, mongo, environment, prometheus];

const services: Forbidden = {
  regex: "(^|/)services/",
  message: "core knows no service: put what both need into core, or let them meet in core/contracts.",
};
const otherServices = (depth: number): Forbidden => ({
  regex: `^${"\\.\\./".repeat(depth)}(?!\\.\\./core/)`,
  message: "A service never imports another: call its action (core/contracts) or subscribe to its events.",
});
const impure: Forbidden[] = [
  {
    regex: "^(node:|moleculer)|^(fs|crypto|timers|http|net|os|path)(/|$)",
    message: "Domain code does no I/O and knows no framework: take the value as an argument.",
    allowTypeImports: true,
  },
  {
    regex: "(^|/)core/(store|middlewares|saga)/|(^|/)(system|config|environment|context|service)\\.ts$",
    message: "Domain code decides on data: load and write in the handler and pass the state in.",
    allowTypeImports: true,
  },
];
const kernelOnly: Forbidden = {
  regex: "^(?!\\./)",
  message: "core/kernel imports only itself: take it as an argument, or put what needs it beside the kernel in core.",
};

/** One block per place: ESLint replaces a rule's options, it does not add to them. */
const imports = (files: string[], patterns: readonly Forbidden[], ignores: string[] = []): Config => ({
  files,
  ignores,
  rules: { "@typescript-eslint/no-restricted-imports": ["error", { patterns: [...patterns] }] },
});

/** Past the rules of imports. */
const createRequire = {
  selector: "CallExpression[callee.name='createRequire']",
  message:
    "What a package does not export is taken in core/kafka-{queue,reader,runner}.ts only, each with a test: import it.",
};
const processEnv = {
  object: "process",
  property: "env",
  message: "The environment is read in core/config.ts only: take what you need from Config.",
};
const ownTime = "Time comes in as an argument: use clock.now(), clock.sleep() or a moment in the parameters.";
const ownChance = "Chance comes in as an argument: use random.fraction() or random.id().";

const sources = ["core/**/*.ts", "services/**/*.ts", "scripts/**/*.ts", "load/**/*.ts", "moleculer.config.ts"];
const decisions = ["core/kernel/**/*.ts", "core/saga/**/*.ts", "services/**/*.{domain,handlers,reactions,saga}.ts"];

export default defineConfig(
  { ignores: ["node_modules/", "coverage/", ".data/"] },
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: { "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }] },
  },
  {
    files: sources,
    rules: {
      "max-lines": ["error", 250],
      "max-lines-per-function": ["error", 40],
      "no-restricted-properties": ["error", processEnv],
      "no-restricted-syntax": ["error", createRequire],
    },
  },
  { files: ["core/kafka-{queue,reader,runner}.ts"], rules: { "no-restricted-syntax": "off" } },
  // k6 declares classes for what are plain objects in every script.
  { files: ["load/**/*.ts"], rules: { "@typescript-eslint/no-unsafe-class-instance-assignment": "off" } },
  // Their length is that of what they declare, and they decide nothing.
  { files: ["core/contracts/**/*.ts"], rules: { "max-lines": "off" } },
  { files: ["core/config.ts"], rules: { "no-restricted-properties": "off" } },
  {
    files: decisions,
    rules: {
      "no-restricted-properties": [
        "error",
        processEnv,
        { object: "Date", property: "now", message: ownTime },
        { object: "Math", property: "random", message: ownChance },
        { object: "crypto", property: "randomUUID", message: ownChance },
      ],
      "no-restricted-globals": [
        "error",
        ...["setTimeout", "setInterval", "setImmediate"].map(name => ({ name, message: ownTime })),
      ],
      "no-restricted-syntax": [
        "error",
        createRequire,
        { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: ownTime },
      ],
    },
  },
  imports(["scripts/**/*.ts", "moleculer.config.ts"], everywhere),
  imports(["core/**/*.ts"], [...everywhere, services]),
  imports(["core/store/mongo-*.ts"], [kafka, environment, prometheus, services]),
  imports(["core/kafka-*.ts"], [{ ...kafka, allowTypeImports: true }, mongo, environment, prometheus, services]),
  imports(["core/kafka-client.ts"], [mongo, environment, prometheus, services]),
  imports(["core/metrics/registry.ts"], [kafka, mongo, environment, services]),
  imports(["services/*/*.ts"], [...everywhere, otherServices(1)]),
  imports(["services/*/*/**/*.ts"], [...everywhere, otherServices(2)]),
  imports(["services/*/*.domain.ts"], [...everywhere, otherServices(1), ...impure]),
  imports(["core/kernel/**/*.ts"], [kernelOnly]),
);
