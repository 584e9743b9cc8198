// The OpenAPI document as one page to read, without scripts, fonts or anything else from elsewhere.
import { createHash } from "node:crypto";

interface Described {
  readonly description?: string;
  readonly content?: Record<string, { schema: unknown }>;
}
interface OperationObject {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly security: readonly Record<string, readonly string[]>[];
  readonly parameters: readonly {
    name: string;
    in: string;
    required: boolean;
    schema: unknown;
    description?: string;
  }[];
  readonly requestBody?: Described;
  readonly responses: Record<string, Described & { $ref?: string }>;
}
export interface Document {
  readonly info: { readonly title: string; readonly description: string };
  readonly paths: Record<string, Record<string, OperationObject>>;
  readonly components: { readonly schemas: Record<string, unknown> };
}

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
details { border-top: 1px solid #8884; padding: .4rem 0 }
summary { cursor: pointer } summary b { display: inline-block; width: 4.5rem }
pre { background: #8881; padding: .8rem; overflow: auto } td, th { text-align: left; padding: .1rem 1rem .1rem 0; vertical-align: top }
`;
/** Lets in this style sheet and nothing else. */
export const docsPolicy = `default-src 'none'; frame-ancestors 'none'; style-src 'sha256-${createHash("sha256").update(style).digest("base64")}'`;

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

const REFERENCE = /&quot;#\/components\/schemas\/(\w+)&quot;/g;
const schemaOf = (schema: unknown): string =>
  `<pre>${escaped(JSON.stringify(schema, null, 2)).replaceAll(REFERENCE, '<a href="#$1">$1</a>')}</pre>`;

const contentOf = ({ content = {} }: Described): string =>
  Object.entries(content)
    .map(([type, { schema }]) => `<p><code>${escaped(type)}</code></p>${schemaOf(schema)}`)
    .join("");

function parametersOf({ parameters }: OperationObject): string {
  const rows = parameters.map(({ name, in: place, required, schema, description = "" }) => {
    const cells = [`<code>${escaped(name)}</code>`, place, required ? "required" : "optional"];
    return `<tr>${[...cells, escaped(description), `<code>${escaped(JSON.stringify(schema))}</code>`].map(cell => `<td>${cell}</td>`).join("")}</tr>`;
  });
  return rows.length === 0 ? "" : `<h4>Parameters</h4><table>${rows.join("")}</table>`;
}

function operationOf(method: string, path: string, operation: OperationObject): string {
  const { operationId, summary, security, requestBody, responses } = operation;
  const scopes = security.flatMap(scheme => Object.values(scheme).flat());
  const answers = Object.entries(responses);
  const refused = answers.filter(([, { $ref }]) => $ref !== undefined).map(([status]) => status);
  const given = answers.filter(([, { $ref }]) => $ref === undefined);
  return [
    `<details id="${escaped(operationId)}"><summary><b>${method.toUpperCase()}</b> <code>${escaped(path)}</code> ${escaped(summary)}</summary>`,
    `<p>${scopes.length === 0 ? "Open to everybody." : `Needs the scope <code>${escaped(scopes.join(" "))}</code>.`}</p>`,
    parametersOf(operation),
    requestBody === undefined ? "" : `<h4>Body</h4>${contentOf(requestBody)}`,
    ...given.map(([status, answer]) => `<h4>${status} ${escaped(answer.description ?? "")}</h4>${contentOf(answer)}`),
    `<p>Refusals: ${refused.join(", ")}, each a <a href="#Problem">Problem</a>.</p></details>`,
  ].join("");
}

export function docsPage({ info, paths, components }: Document): string {
  const all = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method, path, operation })),
  );
  const sections = [...Map.groupBy(all, ({ operation }) => operation.tags[0] ?? "")].map(
    ([tag, group]) =>
      `<h2>${escaped(tag)}</h2>${group.map(({ method, path, operation }) => operationOf(method, path, operation)).join("")}`,
  );
  const schemas = Object.entries(components.schemas).map(
    ([name, schema]) => `<details id="${name}"><summary><code>${name}</code></summary>${schemaOf(schema)}</details>`,
  );
  return [
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escaped(info.title)}</title>`,
    `<meta name="viewport" content="width=device-width"><style>${style}</style></head><body>`,
    `<h1>${escaped(info.title)}</h1><p>${escaped(info.description)} For machines: <a href="/openapi.json">/openapi.json</a>.</p>`,
    ...sections,
    `<h2>Schemas</h2>${schemas.join("")}</body></html>`,
  ].join("");
}
