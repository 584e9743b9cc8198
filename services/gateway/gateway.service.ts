// The REST gateway: moleculer-web finds the route and the endpoint, the rest is ours.
import type { IncomingMessage, ServerResponse } from "node:http";
import { performance } from "node:perf_hooks";
import helmet from "helmet";
import { type Service, type ServiceSchema } from "moleculer";
import ApiGateway from "moleculer-web";
import type { Meta } from "../../core/context.ts";
import type { Environment } from "../../core/environment.ts";
import { fail } from "../../core/errors.ts";
import { currentScope, currentTraceId, traceIdHere } from "../../core/tracing/scope.ts";
import { WideServer } from "../../core/wide-server.ts";
import type { FetchKeys } from "./gateway.authentication.ts";
import { exchanges, sendProblem, type RoutedRequest } from "./gateway.exchange.ts";
import { docsPage, docsPolicy, type Document } from "./gateway.docs.ts";
import { logProblem } from "./gateway.log.ts";
import { pathOf, requestMetrics, type Measure } from "./gateway.metrics.ts";
import { openApiDocument } from "./gateway.openapi.ts";
import { aliases, documentPaths, methodsAt, operations } from "./gateway.operations.ts";
import { requireServices } from "./gateway.needs.ts";
import { contentTag, isKnownTo, send } from "./gateway.output.ts";
import { loadGuard, type LoadGuard } from "./gateway.shedding.ts";
import { inRequest } from "./gateway.tracing.ts";

type Settings = Record<string, unknown>;
/** What the mixin and `created` leave on the service. */
interface Gateway extends Service<Settings> {
  server: WideServer;
  exchange: ReturnType<typeof exchanges>;
  load: LoadGuard;
  /** Null when requests are not counted. */
  measure: Measure | null;
  httpHandler(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** A slow client may take this long to send a request; between two it may stay connected for a little more than a minute, as load balancers do. */
const timeouts = { requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 65_000 };

/** They are the same for every answer, so helmet runs once. */
const securityHeaders = new Map<string, string>();
helmet({
  contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
})(
  {} as never,
  {
    setHeader: (name: string, value: string) => securityHeaders.set(name, value),
    removeHeader: () => undefined,
  } as unknown as ServerResponse,
  () => undefined,
);

function nothingHere(request: RoutedRequest, response: ServerResponse) {
  const methods = methodsAt(pathOf(request));
  if (methods.length === 0) return fail("ROUTE_NOT_FOUND", "There is nothing at this address: see /docs");
  response.setHeader("Allow", methods.join(", "));
  return fail("METHOD_NOT_ALLOWED", `This address knows ${methods.join(", ")}`);
}

function answer(this: Gateway, request: RoutedRequest, response: ServerResponse): void {
  const begin = performance.now();
  request.$traceId = currentTraceId();
  response.setHeaders(securityHeaders);
  if (!this.server.listening) response.setHeader("Connection", "close");
  const refused = this.load.refuse(request);
  response.once("close", () => {
    if (refused === null) this.load.ended();
    this.measure?.(request, response, begin);
  });
  if (refused !== null) {
    sendProblem(request, response, refused);
    return;
  }
  // moleculer-web would run the action that a preflight asks about.
  if (request.method === "OPTIONS") sendProblem(request, response, nothingHere(request, response));
  else void this.httpHandler(request, response);
}

function listener(this: Gateway, request: IncomingMessage, response: ServerResponse): void {
  inRequest(request, response, () => {
    answer.call(this, request, response);
  });
}

/** A name given twice is a list, which no schema takes. */
function parseQueryString({ url = "/" }: IncomingMessage): { url: string; query: Record<string, unknown> } {
  const mark = url.indexOf("?");
  if (mark === -1) return { url, query: {} };
  const pairs = new URLSearchParams(url.slice(mark + 1));
  const names = [...new Set(pairs.keys())];
  const value = (name: string) => (pairs.getAll(name).length === 1 ? pairs.get(name) : pairs.getAll(name));
  return { url: url.slice(0, mark), query: Object.fromEntries(names.map(name => [name, value(name)])) };
}

function rootCallOptions(options: { requestID?: string }): void {
  options.requestID = currentScope()?.requestId ?? traceIdHere();
}

type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A page that stays the same as long as the process runs. */
function page(body: string, headers: Record<string, string>): Handler {
  const fixed = { ...headers, "Cache-Control": "public, max-age=300", ETag: contentTag(body) };
  return (request, response) => {
    send(request, response, isKnownTo(request, fixed.ETag) ? 304 : 200, fixed, body);
  };
}

function documents(): Record<string, Handler> {
  const document = openApiDocument();
  const openApi = page(JSON.stringify(document), { "Content-Type": "application/json; charset=utf-8" });
  const docs = page(docsPage(document as unknown as Document), {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": docsPolicy,
  });
  return {
    [`GET ${documentPaths.openApi}`]: openApi,
    [`HEAD ${documentPaths.openApi}`]: openApi,
    [`GET ${documentPaths.docs}`]: docs,
    [`HEAD ${documentPaths.docs}`]: docs,
  };
}

const routes = () => [
  {
    path: "/",
    aliases: { ...aliases, ...documents() },
    mappingPolicy: "restrict",
    whitelist: operations.map(({ action }) => action),
    mergeParams: false,
    bodyParsers: false,
    logging: false,
    pathToRegexpOptions: { sensitive: true },
  },
];

/** In place of moleculer-web's own of these names. */
const methods = {
  parseQueryString,
  callAction(this: Gateway, _route: unknown, action: string, request: RoutedRequest, response: ServerResponse) {
    return this.exchange(action, request, response).then(() => true);
  },
  errorHandler(this: Gateway, request: RoutedRequest, response: ServerResponse, error: unknown) {
    const code = sendProblem(request, response, error);
    logProblem(this.logger, request, code, error);
    if (code === "OVERLOADED") this.load.overloaded();
  },
  send404(request: RoutedRequest, response: ServerResponse) {
    sendProblem(request, response, nothingHere(request, response));
  },
};

const tellLoad = (logger: Service["logger"]) => (isShedding: boolean, lagMs: number) => {
  if (isShedding) logger.warn("New requests are refused: this process cannot keep up", { lagMs });
  else logger.info("New requests are taken again", { lagMs });
};

type Unnamed = Record<string, unknown>;

export function createService(environment: Environment): ServiceSchema<Settings, Unnamed, Unnamed, Gateway> {
  const { config, clock, random, health } = environment;
  return {
    name: "gateway",
    version: 1,
    mixins: [ApiGateway],
    settings: {
      server: false,
      routes: routes(),
      rootCallOptions,
      logRouteRegistration: null,
    },
    actions: { listAliases: false, addRoute: false, removeRoute: false },
    methods,
    created(this: Gateway) {
      const meta: Meta = { principal: { kind: "service", id: "gateway" } };
      const fetchKeys: FetchKeys = () => this.broker.call("v1.account.jwks", {}, { meta });
      this.exchange = exchanges(config, clock, fetchKeys, action => {
        if (action === "v1.order.place") this.load.sent();
      });
      this.measure = config.metrics ? requestMetrics() : null;
      this.load = loadGuard(tellLoad(this.logger), { clock, random });
      this.server = new WideServer(timeouts, listener.bind(this));
      health.register("services", () => requireServices(this.broker), { critical: false });
    },
    async started(this: Gateway) {
      const onError = (error: Error) => {
        this.logger.warn("A connection was not accepted", error);
      };
      await this.server.open({ ...config.http, onError });
    },
    /** core/node.ts has let the running requests end. */
    stopped(this: Gateway) {
      this.load.stop();
      this.server.close();
      this.server.closeAllConnections();
    },
  };
}
