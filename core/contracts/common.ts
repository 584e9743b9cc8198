// Shapes that more than one contract uses. Every object is closed: that shuts out mass assignment and __proto__.
import { Type, type Static, type TProperties, type TSchema } from "typebox";

export const closed = <P extends TProperties>(properties: P) =>
  Type.Object(properties, { additionalProperties: false });
export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

export const Currency = Type.String({ pattern: "^[A-Z]{3}$", description: "ISO 4217" });
/** The bound keeps quantity × price inside the safe integers. */
export const Amount = Type.Integer({
  minimum: -9_000_000_000_000,
  maximum: 9_000_000_000_000,
  description: "Minor units",
});
export const Money = closed({ amount: Amount, currency: Currency });
export const Price = closed({
  amount: Type.Integer({ minimum: 0, maximum: 9_000_000_000, description: "Minor units" }),
  currency: Currency,
});
export const Amounts = closed({ net: Money, tax: Money, gross: Money });

/** Printable, no control characters, no space at the ends; case-sensitive. */
export const Sku = Type.String({ minLength: 1, maxLength: 64, pattern: "^[^\\p{C}\\s]([^\\p{C}]*[^\\p{C}\\s])?$" });
export const Id = Type.String({ minLength: 1, maxLength: 128, pattern: "^[!-~]+$" });
export const Quantity = Type.Integer({ minimum: 1, maximum: 1_000_000 });
/** All lines of one SKU and price together: 1,000 lines of the largest quantity. */
export const Units = Type.Integer({ minimum: 1, maximum: 1_000_000_000 });
export const TaxRate = Type.Integer({
  minimum: 0,
  maximum: 10_000,
  description: "Hundredths of a percent: 2000 = 20 %",
});
export const Timestamp = Type.String({ format: "date-time", description: "RFC 3339, UTC" });
export const Email = Type.String({ format: "email", maxLength: 254 });
export const Name = Type.String({ minLength: 1, maxLength: 200 });
export const Reason = Type.String({ minLength: 1, maxLength: 500 });
export const Country = Type.String({ minLength: 1, maxLength: 100 });
export const Version = Type.Integer({ minimum: 1 });

export const pageQuery = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100, default: 20 })),
  cursor: Type.Optional(Type.String({ minLength: 1, maxLength: 1000 })),
};
export const Page = <T extends TSchema>(item: T) =>
  closed({ items: Type.Array(item), nextCursor: nullable(Type.String()) });

/** The answer to a command that took an Idempotency-Key: the object as it is now, and whether the key had been seen before. */
export const Keyed = <T extends TSchema>(resource: T) => closed({ replayed: Type.Boolean(), resource });

/**
 * CloudEvents 1.0, structured JSON, with the `sequence` extension: the event's number within its aggregate, from 1, without
 * gaps; and the distributed tracing extension's `traceparent`: the trace of the command that made it. A text like any
 * other here: a log must not refuse an event because of it.
 */
export const CloudEvent = Type.Object({
  specversion: Type.Literal("1.0"),
  id: Type.String({ minLength: 1 }),
  source: Type.String({ minLength: 1 }),
  type: Type.String({ minLength: 1 }),
  subject: Type.String({ minLength: 1 }),
  time: Timestamp,
  datacontenttype: Type.Literal("application/json"),
  sequence: Type.Integer({ minimum: 1 }),
  traceparent: Type.Optional(Type.String()),
  data: Type.Record(Type.String(), Type.Unknown()),
});
export type CloudEvent = Static<typeof CloudEvent>;
export type Page<T> = { items: T[]; nextCursor: string | null };
export type Keyed<T> = { replayed: boolean; resource: T };
