// What the docs say of the code is what the code says.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { pages } from "../../scripts/docs/pages.ts";

describe("The generated pages", () => {
  it("are as `npm run docs` makes them now", async () => {
    const made = await pages();
    const names = ["states", "errors", "resilience", "metrics"];
    expect([...made.keys()]).toEqual(names.map(name => `docs/${name}.md`));
    for (const [path, text] of made) expect(readFileSync(path, "utf8")).toBe(text);
  });
});

describe("The README", () => {
  it("names every setting", () => {
    const setting = /\b(COMPTOIR|NATS|MONGO|KAFKA|SMTP)_[A-Z_]+\b/g;
    const files = ["core/config.ts", "core/config-cluster.ts"];
    const known = files.flatMap(file => readFileSync(file, "utf8").match(setting) ?? []);
    const told = new Set(readFileSync("README.md", "utf8").match(setting));
    expect(known.length).toBeGreaterThan(10);
    expect(known.filter(name => !told.has(name))).toEqual([]);
  });

  it("names only tests that there are", () => {
    const named = [...readFileSync("README.md", "utf8").matchAll(/`(test\/[^`]+)`/g)].map(([, path]) => path ?? "");
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter(path => !existsSync(path))).toEqual([]);
  });

  it.each(["README.md", "docs/architecture.md", "CONTRIBUTING.md"])(
    "%s speaks only of scripts that there are",
    file => {
      const { scripts } = JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> };
      const spoken = [...readFileSync(file, "utf8").matchAll(/npm run ([a-z:]+)/g)].map(([, name]) => name ?? "");
      expect(spoken.filter(name => !(name in scripts))).toEqual([]);
    },
  );
});
