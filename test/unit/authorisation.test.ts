import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { ServiceBroker, type ServiceSchema } from "moleculer";
import { accessRefusal, authorisation } from "../../core/middlewares/authorisation.ts";
import { codeOf } from "../../core/errors.ts";
import type { Principal } from "../../core/request.ts";
import { staff } from "../support/gateway.ts";

const anonymous: Principal = { kind: "anonymous" };
const service: Principal = { kind: "service", id: "order" };
const reader = staff("orders:read");

describe("who may call an action", () => {
  it.each([
    ["public", null, null, null],
    ["internal", "UNAUTHENTICATED", "FORBIDDEN", null],
    ["orders:read", "UNAUTHENTICATED", null, null],
    ["orders:write", "UNAUTHENTICATED", "FORBIDDEN", null],
    ["orders:everything", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN"],
    ["", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN"],
    [undefined, "FORBIDDEN", "FORBIDDEN", "FORBIDDEN"],
    [null, "FORBIDDEN", "FORBIDDEN", "FORBIDDEN"],
    [["public"], "FORBIDDEN", "FORBIDDEN", "FORBIDDEN"],
  ])("auth %j: anonymous %s, a user with orders:read %s, a service %s", (auth, ...expected) => {
    expect([anonymous, reader, service].map(who => accessRefusal(auth, who)?.code ?? null)).toEqual(expected);
  });
});

describe("the middleware", () => {
  const schema = {
    name: "thing",
    version: 1,
    actions: {
      read: { auth: "orders:read", handler: () => "read" },
      own: { auth: "internal", handler: () => "own" },
      forgotten: () => "forgotten",
      hidden: { visibility: "private", handler: () => "hidden" },
      indirect: {
        auth: "public",
        handler: (ctx: { service: { actions: { hidden(): unknown } } }) => ctx.service.actions.hidden(),
      },
    },
  } as unknown as ServiceSchema;
  const brokerOf = (nodeID: string) =>
    new ServiceBroker({
      nodeID,
      namespace: "authorisation",
      transporter: "Fake",
      logger: false,
      middlewares: [authorisation],
    });
  const [near, far] = [brokerOf("near"), brokerOf("far")];

  beforeAll(async () => {
    far.createService(schema);
    await Promise.all([near.start(), far.start()]);
    await near.waitForServices({ name: "thing", version: 1 });
  });
  afterAll(() => Promise.all([near.stop(), far.stop()]));

  const outcome = async (broker: ServiceBroker, action: string, principal?: Principal): Promise<unknown> => {
    try {
      return await broker.call(action, {}, { meta: principal === undefined ? {} : { principal } });
    } catch (error) {
      return codeOf(error) ?? String(error);
    }
  };

  it.each([
    ["on its own node", far],
    ["from another node", near],
  ])("decides %s", async (_, broker) => {
    expect(await outcome(broker, "v1.thing.read", reader)).toBe("read");
    expect(await outcome(broker, "v1.thing.read", service)).toBe("read");
    expect(await outcome(broker, "v1.thing.read", staff("orders:write"))).toBe("FORBIDDEN");
    expect(await outcome(broker, "v1.thing.read")).toBe("UNAUTHENTICATED");
    expect(await outcome(broker, "v1.thing.own", reader)).toBe("FORBIDDEN");
    expect(await outcome(broker, "v1.thing.own", service)).toBe("own");
  });

  it("lets nobody call an action that does not say who may", async () => {
    expect(await outcome(near, "v1.thing.forgotten", service)).toBe("FORBIDDEN");
  });

  it("leaves a service its private actions, and Moleculer its own", async () => {
    expect(await outcome(near, "v1.thing.indirect")).toBe("hidden");
    expect(await outcome(near, "$node.list")).toHaveLength(2);
  });
});
