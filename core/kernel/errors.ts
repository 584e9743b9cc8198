// The one place where an error's code, HTTP status and title are decided. Codes are API: never renamed, never reused.

interface Entry {
  readonly status: number;
  readonly title: string;
  /** Trying the same thing again later can succeed without the caller changing anything. */
  readonly retryable?: true;
}

export const catalogue = {
  MALFORMED_JSON: { status: 400, title: "The body is not valid JSON" },
  IDEMPOTENCY_KEY_REQUIRED: { status: 400, title: "This request needs an Idempotency-Key header" },
  IDEMPOTENCY_KEY_INVALID: { status: 400, title: "The Idempotency-Key is not 1 to 255 visible ASCII characters" },
  UNAUTHENTICATED: { status: 401, title: "Authentication is needed" },
  FORBIDDEN: { status: 403, title: "The token does not carry the scope that this needs" },
  ROUTE_NOT_FOUND: { status: 404, title: "There is nothing at this address" },
  PRODUCT_NOT_FOUND: { status: 404, title: "No such product" },
  CUSTOMER_NOT_FOUND: { status: 404, title: "No such customer" },
  STOCK_ITEM_NOT_FOUND: { status: 404, title: "No such stock item" },
  ORDER_NOT_FOUND: { status: 404, title: "No such order" },
  PAYMENT_NOT_FOUND: { status: 404, title: "No such payment" },
  INVOICE_NOT_FOUND: { status: 404, title: "No such invoice" },
  BACKUP_NOT_FOUND: { status: 404, title: "No such backup" },
  METHOD_NOT_ALLOWED: { status: 405, title: "This address does not know that method" },
  CONFLICT: { status: 409, title: "Too many writers at once", retryable: true },
  IDEMPOTENCY_KEY_IN_FLIGHT: {
    status: 409,
    title: "The first request with this key is still running",
    retryable: true,
  },
  SKU_EXISTS: { status: 409, title: "A product with this SKU exists" },
  CUSTOMER_EXISTS: { status: 409, title: "A customer with this id exists" },
  EMAIL_EXISTS: { status: 409, title: "An account with this e-mail exists" },
  ORDER_NUMBER_EXISTS: { status: 409, title: "An order with this number exists" },
  INSUFFICIENT_STOCK: { status: 409, title: "Less stock is free than that" },
  OUT_OF_STOCK: { status: 409, title: "Not enough stock" },
  RESERVATION_EXPIRED: { status: 409, title: "The reservation has ended" },
  PAYMENT_DECLINED: { status: 409, title: "The payment was declined" },
  PAYMENT_UNAVAILABLE: { status: 409, title: "The payment provider could not be reached in time" },
  PAYMENT_VOIDED: { status: 409, title: "The payment was voided" },
  PRODUCT_UNAVAILABLE: { status: 409, title: "A product is not on sale" },
  CANCELLED: { status: 409, title: "The order was cancelled" },
  ORDER_NOT_CANCELLABLE: { status: 409, title: "The order can no longer be cancelled" },
  ORDER_NOT_SHIPPABLE: { status: 409, title: "The order cannot be shipped" },
  SHIPMENT_EXCEEDS_ORDER: { status: 409, title: "More than was ordered and not yet shipped" },
  RETURN_EXCEEDS_SHIPMENT: { status: 409, title: "More than was shipped and not yet returned" },
  REFUND_EXCEEDS_CAPTURE: { status: 409, title: "More than was captured and not yet refunded" },
  WRONG_STATE: { status: 409, title: "Not possible in this state" },
  DUPLICATE: { status: 409, title: "This exists already" },
  PRECONDITION_FAILED: { status: 412, title: "It has changed since you read it" },
  PAYLOAD_TOO_LARGE: { status: 413, title: "The body is too large" },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: "The body must be application/json" },
  VALIDATION_FAILED: { status: 422, title: "The request does not fit its schema" },
  IDEMPOTENCY_KEY_REUSED: { status: 422, title: "This Idempotency-Key was used for another request" },
  UNKNOWN_SKU: { status: 422, title: "No product has this SKU" },
  UNKNOWN_CUSTOMER: { status: 422, title: "There is no such customer" },
  PRECONDITION_REQUIRED: { status: 428, title: "This request needs an If-Match header" },
  TOO_MANY_REQUESTS: { status: 429, title: "Too many requests", retryable: true },
  INTERNAL_ERROR: { status: 500, title: "Something went wrong on our side" },
  SERVICE_UNAVAILABLE: { status: 503, title: "A part of the shop is away", retryable: true },
  OVERLOADED: { status: 503, title: "More is asked than can be done now", retryable: true },
  EVENT_BACKLOG: { status: 503, title: "Too many events wait to be published", retryable: true },
  DEADLINE_EXCEEDED: { status: 503, title: "The time for this request was over before it began", retryable: true },
  OUTCOME_UNKNOWN: { status: 503, title: "The store did not tell whether it wrote", retryable: true },
} as const satisfies Record<string, Entry>;

export type ErrorCode = keyof typeof catalogue;

/** Where in a request the mistake is, by JSON pointer (RFC 6901). */
export interface FieldError {
  readonly pointer: string;
  readonly message: string;
}

/** A refusal as plain data, which is what the domain returns; core/errors.ts turns it into a throw at the edge. */
export interface Refusal {
  readonly code: ErrorCode;
  /** One sentence for the caller, naming what, where and what would be right. Nothing internal. */
  readonly detail: string;
  readonly data?: {
    readonly errors?: readonly FieldError[];
    readonly retryAfter?: number;
    readonly [key: string]: unknown;
  };
}

export const refusal = (code: ErrorCode, detail: string, data?: Refusal["data"]): Refusal =>
  data === undefined ? { code, detail } : { code, detail, data };
