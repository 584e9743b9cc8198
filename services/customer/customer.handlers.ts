// What customer answers. Somebody else's customer is not there.
import type { customerActions } from "../../core/contracts/customer.ts";
import { changeMatching, makeOnce, originOf, verdictOf } from "../../core/decisions.ts";
import { deriveId } from "../../core/derive-id.ts";
import { fail, toError } from "../../core/errors.ts";
import { timestamp, type Clock } from "../../core/kernel/clock.ts";
import type { Random } from "../../core/kernel/random.ts";
import { listPage } from "../../core/paging.ts";
import type { Reactions, subscriber } from "../../core/reactions.ts";
import { customerOf, maySee, type Request } from "../../core/request.ts";
import type { HandlersOf } from "../../core/service.ts";
import type { DocumentStore, Versioned } from "../../core/store/port.ts";
import {
  customerNotFound,
  decideChange,
  decideCreate,
  decideEnsure,
  unknownCustomer,
  type NewCustomer,
} from "./customer.domain.ts";
import { customerView, evolveAt, type CustomerState } from "./customer.schema.ts";

interface Deps {
  readonly customers: DocumentStore<CustomerState>;
  readonly clock: Clock;
  readonly random: Random;
}
export interface CustomerDeps extends Deps {
  readonly reactions: ReturnType<typeof subscriber>;
}

type Handlers = HandlersOf<typeof customerActions>;

/** `customer` must be there and be one that the principal may see. */
function visible(customer: Versioned<CustomerState> | null, id: string, request: Request): Versioned<CustomerState> {
  if (customer === null || !maySee(request.principal, id)) throw toError(customerNotFound(id));
  return customer;
}

export const customerReactions = (deps: Deps): Reactions => ({
  "account.registered.v1": async ({ data: { customerId, name, email } }, request) => {
    await ensure(deps, { id: customerId, name, email }, request);
  },
});

async function ensure({ customers, clock, random }: Deps, customer: NewCustomer, request: Request) {
  const evolve = evolveAt(timestamp(clock.now()), originOf(request, random));
  return await changeMatching(customers, customer.id, request, existing =>
    verdictOf(existing, decideEnsure(existing, customer), evolve, null),
  );
}

export const customerHandlers = (deps: CustomerDeps): Handlers => ({
  ...queries(deps),
  ...commands(deps),
  "v1.customer.react": (params, request) => deps.reactions.react(params, request),
  "v1.customer.park": params => deps.reactions.park(params),
});

function queries({ customers }: Deps): Pick<Handlers, "v1.customer.list" | "v1.customer.get" | "v1.customer.require"> {
  return {
    "v1.customer.list": ({ q, ...page }, { principal }) => {
      const own = customerOf(principal);
      const query = {
        ...(q === undefined ? {} : { contains: { field: "search", text: q.toLowerCase() } }),
        ...(own === null ? {} : { where: { customerId: own } }),
      };
      return listPage(customers, query, page, customerView);
    },

    "v1.customer.get": async ({ id }, request) => customerView(visible(await customers.load(id), id, request)),

    "v1.customer.require": async ({ id }) => {
      const customer = await customers.load(id);
      if (customer === null) throw toError(unknownCustomer(id));
      return { id, name: customer.state.name, email: customer.state.email };
    },
  };
}

function commands(deps: Deps): Pick<Handlers, "v1.customer.create" | "v1.customer.change" | "v1.customer.ensure"> {
  const { customers, clock, random } = deps;
  return {
    "v1.customer.create": async (params, request) => {
      if (customerOf(request.principal) !== null) {
        throw fail("FORBIDDEN", "A customer's token cannot add customers: register makes the own one");
      }
      const origin = originOf(request, random);
      const customer = { ...params, id: params.id ?? deriveId("customer", origin.command) };
      const evolve = evolveAt(timestamp(clock.now()), origin);
      const { replayed, document } = await makeOnce(customers, customer.id, origin.command, request, existing =>
        verdictOf(existing, decideCreate(existing, customer), evolve, false),
      );
      return { replayed, resource: customerView(document) };
    },

    "v1.customer.change": async (params, request) => {
      if (!maySee(request.principal, params.id)) throw toError(customerNotFound(params.id));
      const evolve = evolveAt(timestamp(clock.now()), originOf(request, random));
      const customer = await changeMatching(customers, params.id, request, existing =>
        verdictOf(existing, decideChange(existing, params), evolve, null),
      );
      return customerView(customer);
    },

    "v1.customer.ensure": async (params, request) => customerView(await ensure(deps, params, request)),
  };
}
