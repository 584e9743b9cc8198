// Every error becomes a problem document here (RFC 9457). What is not in the catalogue says nothing about itself.
import { codeOf } from "../../core/errors.ts";
import { catalogue, type ErrorCode, type FieldError } from "../../core/kernel/errors.ts";

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly traceId: string;
  readonly errors?: readonly FieldError[];
}

interface Said {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly errors?: readonly FieldError[];
  readonly retryAfter?: number;
}

/** As Moleculer and moleculer-web name the ways in which a service does not answer. */
const awayTypes: ReadonlySet<unknown> = new Set([
  "SERVICE_NOT_FOUND",
  "SERVICE_NOT_AVAILABLE",
  "REQUEST_TIMEOUT",
  "REQUEST_REJECTED",
  "REQUEST_SKIPPED",
  "QUEUE_FULL",
  "BAD_GATEWAY",
  "GRACEFUL_STOP_TIMEOUT",
]);

const away: Said = { code: "SERVICE_UNAVAILABLE", detail: "A service that this needs does not answer: try again soon" };
const broken: Said = { code: "INTERNAL_ERROR", detail: "We have noted it under this traceId" };

interface Thrown {
  readonly name?: unknown;
  readonly type?: unknown;
  readonly message: string;
  readonly data?: unknown;
}

const onlyFields = (errors: readonly FieldError[]): FieldError[] =>
  errors.map(({ pointer, message }) => ({ pointer, message }));

/** The broker's own validation. A mistake in a call further down is ours and not the client's. */
function invalid(data: unknown, action: string | undefined): Said {
  if (!Array.isArray(data)) return broken;
  const errors = data as (FieldError & { action?: string })[];
  if (errors[0]?.action !== action) return broken;
  return { code: "VALIDATION_FAILED", detail: "The request does not fit its schema", errors: onlyFields(errors) };
}

function said(error: unknown, action: string | undefined): Said {
  if (!(error instanceof Error)) return broken;
  const { name, type, message, data } = error as Thrown;
  const code = codeOf(error);
  if (code === "INTERNAL_ERROR") return broken;
  if (code !== undefined) {
    const { errors, retryAfter } = (data ?? {}) as { errors?: readonly FieldError[]; retryAfter?: number };
    return {
      code,
      detail: message,
      ...(errors === undefined ? {} : { errors: onlyFields(errors) }),
      ...(retryAfter === undefined ? {} : { retryAfter }),
    };
  }
  if (awayTypes.has(type) || name === "ServiceUnavailableError") return away;
  if (type === "VALIDATION_ERROR") return invalid(data, action);
  if (type === "UNABLE_DECODE_PARAM") return { code: "ROUTE_NOT_FOUND", detail: "The path is not valid UTF-8" };
  return broken;
}

/** @param action the one that the client's request called. */
export function problemOf(
  error: unknown,
  traceId: string,
  action?: string,
): { problem: Problem; headers: Record<string, string> } {
  const { code, detail, errors, retryAfter } = said(error, action);
  const entry = catalogue[code];
  const problem: Problem = {
    type: `https://comptoir.dev/problems/${code.toLowerCase().replaceAll("_", "-")}`,
    title: entry.title,
    status: entry.status,
    detail,
    code,
    traceId,
    ...(errors === undefined ? {} : { errors }),
  };
  const headers: Record<string, string> = {
    "Content-Type": "application/problem+json",
    "Cache-Control": "no-store",
  };
  if ("retryable" in entry) headers["Retry-After"] = String(Math.max(1, Math.ceil(retryAfter ?? 1)));
  return { problem, headers };
}
