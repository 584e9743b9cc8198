// Calls within a trace: a span where a call leaves for another node, and one where it is handled. While nobody records
// it still carries the trace's name on, which log lines and problem documents show.
import type { ActionHandler, Context, Middleware } from "moleculer";
import type { Meta } from "../context.ts";
import { currentScope } from "../tracing/scope.ts";
import { SpanKind, isRecording, traced, type SpanOptions } from "../tracing/tracer.ts";
import { parse } from "../tracing/traceparent.ts";

interface Named {
  readonly name?: string;
  readonly visibility?: string;
}

/** moleculer-web's own action stands within the span of the HTTP request; `$node` is Moleculer's view of itself. */
const isInner = ({ name = "", visibility }: Named): boolean => visibility === "private" || name.startsWith("$");

/** The RPC conventions of OpenTelemetry: service and method apart. */
function spanOf(name: string) {
  const [, service = "", method = ""] = /^(.*)\.([^.]+)$/.exec(name) ?? [];
  const attributes = { "rpc.system": "moleculer", "rpc.service": service, "rpc.method": method };
  return (kind: SpanKind, parent?: string | null): SpanOptions => ({
    name,
    kind,
    attributes,
    ...(parent === undefined ? {} : { parent }),
  });
}

const arrivedFromAfar = (ctx: Context): boolean => ctx.nodeID !== null && ctx.nodeID !== ctx.broker.nodeID;

/** A client's own X-Request-Id; it is the trace's id otherwise. */
const requestIdOf = ({ requestID }: Context, traceparent: string | null): string | null =>
  requestID === null || requestID === "" || traceparent?.includes(requestID) === true ? null : requestID;

/** Around everything else, on both sides: what waits for a bulkhead or is refused belongs to the call too. */
export const tracing: Middleware = {
  name: "Tracing",
  localAction(next: ActionHandler, action): ActionHandler {
    if (isInner(action)) return next;
    const options = spanOf(String(action.name));
    return function handleTraced(this: unknown, ctx: Context) {
      const { traceparent } = ctx.meta as Meta;
      const parent = parse(traceparent) === undefined ? null : String(traceparent);
      const kind = arrivedFromAfar(ctx) ? SpanKind.SERVER : SpanKind.INTERNAL;
      const own = { requestId: requestIdOf(ctx, parent), action: String(action.name), params: ctx.params };
      return traced(options(kind, parent), () => next.call(this as never, ctx) as Promise<unknown>, own);
    };
  },
  remoteAction(next: ActionHandler, action): ActionHandler {
    if (isInner(action)) return next;
    const options = spanOf(String(action.name));
    return function callTraced(this: unknown, ctx: Context) {
      const leave = () => next.call(this as never, ctx) as Promise<unknown>;
      if (!isRecording()) return leave();
      const { traceparent = null } = ctx.meta as Meta;
      return traced(options(SpanKind.CLIENT, traceparent), () => {
        // The span of the other node is a child of this one.
        ctx.meta = { ...ctx.meta, traceparent: currentScope()?.traceparent };
        return leave();
      });
    };
  },
};
