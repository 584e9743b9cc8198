// npm run docs: writes the pages of docs/ that are made from the code.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pages } from "./pages.ts";

const root = join(import.meta.dirname, "..", "..");
for (const [path, text] of await pages()) writeFileSync(join(root, path), text);
