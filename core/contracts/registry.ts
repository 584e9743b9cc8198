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

const Level = Type.Enum(["fatal", "error", "warn", "info", "debug", "trace"]);

const LogLevels = closed({
  items: Type.Array(
    closed({
      node: Type.String(),
      level: Level,
      modules: Type.Array(closed({ module: Type.String(), level: Level }), {
        description: "Those with a level of their own",
      }),
      known: Type.Array(Type.String(), { description: "Those that may have one" }),
    }),
  ),
  nextCursor: nullable(Type.String()),
  silent: Type.Array(Type.String(), { description: "Nodes that did not answer" }),
});

export const registryActions = {
  "v1.registry.logLevels": action({
    params: closed({}),
    result: LogLevels,
    auth: "ops:read",
    read: true,
    rest: { method: "GET", path: "/v1/log-levels", summary: "What each node logs" },
  }),
  "v1.registry.setLogLevel": action({
    params: closed({
      level: Type.Enum(["fatal", "error", "warn", "info", "debug", "trace", "default"]),
      module: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
      node: Type.Optional(Type.String({ minLength: 1, maxLength: 100 })),
    }),
    result: LogLevels,
    auth: "ops:write",
    rest: {
      method: "POST",
      path: "/v1/log-levels",
      summary:
        "Changes what is logged: on one node or all of them, of one module or everything, until the process ends",
    },
  }),

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
