import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, it } from "@jest/globals";
import { actions } from "../../../core/contracts/index.ts";
import type { ActionContract } from "../../../core/contracts/action.ts";
import { openApiDocument } from "../../../services/gateway/gateway.openapi.ts";

interface OperationObject {
  readonly operationId: string;
  readonly security: unknown;
  readonly parameters: { name: string; in: string; required: boolean }[];
  readonly requestBody?: { required: boolean; content: Record<string, { schema: Record<string, unknown> }> };
  readonly responses: Record<string, { headers?: object; content?: Record<string, { schema: unknown }> }>;
}
const paths = openApiDocument()["paths"] as Record<string, Record<string, OperationObject>>;
const operation = (method: string, path: string): OperationObject => {
  const found = paths[path]?.[method];
  if (found === undefined) throw new Error(`The document lacks ${method} ${path}`);
  return found;
};
const headersOf = ({ parameters }: OperationObject) =>
  parameters.filter(parameter => parameter.in === "header").map(({ name, required }) => [name, required]);

describe("the OpenAPI document", () => {
  it("is valid OpenAPI 3.1", async () => {
    const validator = new Validator();
    expect(await validator.validate(openApiDocument())).toEqual({ valid: true });
    expect(validator.version).toBe("3.1");
  });

  it("has an operation for every contract with a route, each with an id of its own", () => {
    const routed = (Object.values(actions) as ActionContract[]).flatMap(({ rest }) =>
      rest === undefined ? [] : [`${rest.method.toLowerCase()} ${rest.path}`],
    );
    const described = Object.entries(paths).flatMap(([path, item]) => Object.keys(item).map(key => `${key} ${path}`));
    expect(described.sort()).toEqual(routed.sort());
    const ids = Object.values(paths).flatMap(item => Object.values(item).map(({ operationId }) => operationId));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("names the parameters of the path, of the query and of the body once each", () => {
    const { parameters, requestBody } = operation("post", "/v1/orders/{id}/cancel");
    expect(parameters.filter(parameter => parameter.in === "path").map(({ name }) => name)).toEqual(["id"]);
    const schema = requestBody?.content["application/json"]?.schema;
    expect(Object.keys(schema?.["properties"] as object)).toEqual(["reason"]);
    expect(schema).toMatchObject({ required: ["reason"], additionalProperties: false });
    const query = operation("get", "/v1/products").parameters;
    expect(query.map(parameter => [parameter.in, parameter.name, parameter.required])).toContainEqual([
      "query",
      "q",
      false,
    ]);
  });

  it("tells which headers a call takes", () => {
    expect(headersOf(operation("post", "/v1/orders"))).toEqual([
      ["Idempotency-Key", true],
      ["Prefer", false],
    ]);
    expect(headersOf(operation("post", "/v1/products"))).toEqual([["Idempotency-Key", false]]);
    expect(headersOf(operation("patch", "/v1/products/{sku}"))).toEqual([["If-Match", true]]);
    expect(headersOf(operation("get", "/v1/orders/{id}"))).toEqual([["If-None-Match", false]]);
    expect(headersOf(operation("get", "/v1/products"))).toEqual([["If-None-Match", false]]);
    expect(headersOf(operation("get", "/v1/orders"))).toEqual([]);
  });

  it.each([
    ["get", "/v1/products", "200", ["ETag"]],
    ["get", "/v1/products", "304", ["ETag"]],
    ["get", "/v1/invoices", "200", []],
    ["post", "/v1/products", "201", ["ETag", "Idempotency-Replayed", "Location"]],
    ["post", "/v1/orders", "202", ["ETag", "Idempotency-Replayed", "Location", "Preference-Applied"]],
    ["post", "/v1/orders/{id}/cancel", "200", ["ETag", "Idempotency-Replayed"]],
    ["post", "/v1/inventory/{sku}/receipts", "201", ["Idempotency-Replayed", "Location"]],
  ])("tells which headers %s %s answers %s with", (method, path, status, headers) => {
    const limits = ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"];
    const described = Object.keys(operation(method, path).responses[status]?.headers ?? {});
    expect(described.sort()).toEqual([...headers, ...limits].sort());
  });

  it("knows that ordering for somebody else is 404", () => {
    expect(Object.keys(operation("post", "/v1/orders").responses)).toContain("404");
  });

  it("tells who may call", () => {
    expect(operation("get", "/v1/products").security).toEqual([]);
    expect(operation("post", "/v1/orders").security).toEqual([{ bearer: ["orders:write"] }]);
  });

  it("answers a keyed command with the resource itself, and every call with problem documents", () => {
    const { responses } = operation("post", "/v1/orders");
    const order = { $ref: "#/components/schemas/Order" };
    expect(responses["201"]?.content?.["application/json"]?.schema).toEqual(order);
    expect(responses["202"]?.content?.["application/json"]?.schema).toEqual(order);
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(["400", "401", "403", "409", "422", "429", "503"]));
    expect(responses["422"]).toEqual({ $ref: "#/components/responses/Problem422" });
  });
});
