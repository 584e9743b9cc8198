// The broker's validator: contracts are JSON Schema, checked by Ajv. Nothing is coerced, filled in or removed.
import { Ajv, type ErrorObject, type Options, type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";
import { fullFormats } from "ajv-formats/dist/formats.js";
import { Validators } from "moleculer";
import type { TSchema } from "typebox";
import type { FieldError } from "../kernel/errors.ts";

type Params = Record<string, unknown>;
type BrokerCheck = ReturnType<Validators.Base["compile"]>;
/** @param thorough every mistake instead of the first: its cost grows with what was sent. */
export type Check = (params: unknown, thorough?: boolean) => true | FieldError[];

const MAX_ERRORS = 50;

const RFC3339 = fullFormats["date-time"] as { readonly validate: (text: string) => boolean };
const [FIRST_MOMENT, LAST_MOMENT] = [Date.parse("0000-01-01T00:00:00Z"), Date.parse("9999-12-31T23:59:59.999Z")];

/** RFC 3339 that also stays it in UTC: no leap second, which Date does not know, and no year of five digits. */
function isMoment(text: string): boolean {
  const moment = Date.parse(text);
  return moment >= FIRST_MOMENT && moment <= LAST_MOMENT && RFC3339.validate(text);
}

function build(options: Options): Ajv {
  const ajv = new Ajv({ strict: true, ...options });
  addFormats.default(ajv);
  ajv.addFormat("date-time", isMoment);
  return ajv;
}
const firstMistake = build({ allErrors: false });
const allMistakes = build({ allErrors: true });

/** RFC 6901. */
const escaped = (key: string): string => key.replaceAll("~", "~0").replaceAll("/", "~1");

function fieldError({ keyword, instancePath, params, message }: ErrorObject): FieldError {
  const named = params as { missingProperty?: string; additionalProperty?: string; allowedValues?: unknown[] };
  if (named.missingProperty !== undefined)
    return { pointer: `${instancePath}/${escaped(named.missingProperty)}`, message: "is required" };
  if (named.additionalProperty !== undefined)
    return { pointer: `${instancePath}/${escaped(named.additionalProperty)}`, message: "is not a known field" };
  if (named.allowedValues !== undefined)
    return { pointer: instancePath, message: `must be one of ${named.allowedValues.join(", ")}` };
  return { pointer: instancePath, message: message ?? `fails ${keyword}` };
}

/** One message per place; that no branch of a union fits is said by the branches. */
function fieldErrors(errors: readonly ErrorObject[]): FieldError[] {
  const found = new Map<string, FieldError>();
  for (const error of [...errors.filter(({ keyword }) => keyword !== "anyOf"), ...errors]) {
    if (found.size === MAX_ERRORS) break;
    const field = fieldError(error);
    if (!found.has(field.pointer)) found.set(field.pointer, field);
  }
  return [...found.values()];
}

/** Compiled when it is first asked: a process uses few of all the schemas, and compiling all of them is a third of its start. */
export function checkOf(schema: TSchema): Check {
  let quick: ValidateFunction | undefined;
  return (params, thorough = false) => {
    quick ??= firstMistake.compile(schema);
    if (quick(params)) return true;
    if (!thorough) return fieldErrors(quick.errors ?? []);
    const full = allMistakes.compile(schema);
    full(params);
    return fieldErrors(full.errors ?? quick.errors ?? []);
  };
}

/** Moleculer's own actions ($node) describe their parameters in its own language; all of ours are JSON Schema objects. */
const isContract = (schema: Params): boolean => schema["type"] === "object" && typeof schema["properties"] === "object";

export class ContractValidator extends Validators.Base {
  readonly #moleculers = new Validators.Fastest();

  constructor() {
    super({ paramName: "params" });
  }

  override compile(schema: Params): BrokerCheck {
    if (!isContract(schema)) return this.#moleculers.compile(schema);
    const check = checkOf(schema);
    // Moleculer's type says boolean; what it takes is true or the list of errors.
    return ((params: Params) => check(params)) as unknown as BrokerCheck;
  }

  override validate(params: Params, schema: Params): boolean {
    return this.compile(schema)(params) === true;
  }

  override convertSchemaToMoleculer(schema: Params): Params {
    return schema;
  }
}
