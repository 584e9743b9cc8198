// npm run dashboards: writes the dashboards that Grafana is provisioned with.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { files, FOLDER } from "./files.ts";

const root = join(import.meta.dirname, "..", "..");
mkdirSync(join(root, FOLDER), { recursive: true });
for (const [path, text] of await files()) writeFileSync(join(root, path), text);
