// What the gateway logs of a request that was not answered as asked. Nothing of one that was: what it changed has a line of
// its own in the service that did it.
import type { Logger } from "moleculer";
import type { RoutedRequest } from "./gateway.exchange.ts";
import { routeOf } from "./gateway.operations.ts";

/** Refusing these must cost little, because they come in floods. */
const inFloods = new Set(["TOO_MANY_REQUESTS", "ROUTE_NOT_FOUND", "METHOD_NOT_ALLOWED"]);

/** @param code of the problem that it was answered with. */
export function logProblem(logger: Logger, request: RoutedRequest, code: string, error: unknown): void {
  const { method = "" } = request;
  const fields = { method, route: routeOf(request.$alias?.action), code };
  if (code === "INTERNAL_ERROR") logger.error("A request failed", { ...fields, err: error });
  else if (["GET", "HEAD"].includes(method) || inFloods.has(code)) logger.debug("A request was refused", fields);
  else logger.info("A request was refused", fields);
}
