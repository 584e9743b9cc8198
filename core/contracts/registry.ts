import { Type } from "typebox";
import { action } from "./action.ts";
import { closed, nullable, Page, Timestamp } from "./common.ts";

const Node = closed({
  id: Type.String(),
  instanceId: Type.String(),
  hostname: nullable(Type.String()),
  available: Type.Boolean(),
  local: Type.Boolean(),
  version: nullable(Type.String({ description: "Release of Comptoir" })),
  clientVersion: nullable(Type.String({ description: "Version of Moleculer" })),
  nodeVersion: nullable(Type.String({ description: "Version of Node.js" })),
  ops: nullable(Type.String({ description: "HOST:PORT of `/live`, `/ready` and `/metrics`" })),
  services: Type.Array(Type.String()),
  upSince: nullable(Timestamp),
  lastHeartbeat: nullable(Timestamp),
  cpu: nullable(Type.Number({ description: "Percent of the machine; null until it is known" })),
});

const ServiceEntry = closed({
  name: Type.String(),
  version: nullable(Type.String()),
  nodes: Type.Array(Type.String()),
  actions: Type.Array(
    closed({
      name: Type.String(),
      instances: Type.Integer(),
      available: Type.Boolean(),
      breaker: Type.Enum(["CLOSED", "HALF_OPEN", "OPEN"]),
    }),
  ),
});

export const registryActions = {
  "v1.registry.nodes": action({
    params: closed({}),
    result: Page(Node),
    auth: "ops:read",
    read: true,
    rest: { method: "GET", path: "/v1/registry/nodes", summary: "The nodes of the cluster as this gateway sees them" },
  }),
  "v1.registry.services": action({
    params: closed({}),
    result: Page(ServiceEntry),
    auth: "ops:read",
    read: true,
    rest: {
      method: "GET",
      path: "/v1/registry/services",
      summary: "Services and their actions: instances and breaker state",
    },
  }),
};
