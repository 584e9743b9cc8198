// What both sides of the benchmark of calls know.

export const rawSubject = "bench.echo";

export const echoAction = {
  params: {
    type: "object",
    properties: { sku: { type: "string" }, quantity: { type: "integer" } },
    required: ["sku", "quantity"],
    additionalProperties: false,
  },
  auth: "internal",
};

export const payload = { sku: "85123A", quantity: 6 };
