// Refusals become Moleculer's own error classes here, and only here: a subclass of ours would arrive on the calling
// node as a bare Error, so the code in `type` is the identity that survives the wire.
import { Errors } from "moleculer";
import { catalogue, refusal, type ErrorCode, type Refusal } from "./kernel/errors.ts";

/** The typed exception of a refusal: `type` is the catalogue code, `code` the HTTP status, `data` the refusal's data. */
export function toError({ code, detail, data }: Refusal): Errors.MoleculerError {
  const entry = catalogue[code];
  const Class = "retryable" in entry ? Errors.MoleculerRetryableError : Errors.MoleculerClientError;
  return new Class(detail, entry.status, code, data);
}

export const fail = (code: ErrorCode, detail: string, data?: Refusal["data"]): Errors.MoleculerError =>
  toError(refusal(code, detail, data));

/** The catalogue code an error carries, or undefined when it is none of ours (then the outcome is unknown). */
export function codeOf(error: unknown): ErrorCode | undefined {
  if (!(error instanceof Error) || !("type" in error) || typeof error.type !== "string") return undefined;
  return Object.hasOwn(catalogue, error.type) ? (error.type as ErrorCode) : undefined;
}

export const isError = (error: unknown, code: ErrorCode): boolean => codeOf(error) === code;

/** The refusal inside an error of ours; undefined for any other error. */
export function toRefusal(error: unknown): Refusal | undefined {
  const code = codeOf(error);
  if (code === undefined) return undefined;
  const { message, data } = error as Error & { data?: Refusal["data"] };
  return refusal(code, message, data);
}
