import { Type, type Static } from "typebox";
import { action } from "./action.ts";
import { closed, Country, Email, Id, Keyed, Name, nullable, Page, pageQuery, Timestamp, Version } from "./common.ts";
import { park, react } from "./reactions.ts";

export const Customer = closed({
  id: Id,
  name: Name,
  email: nullable(Email),
  country: nullable(Country),
  createdAt: Timestamp,
  updatedAt: Timestamp,
  version: Version,
});
export type Customer = Static<typeof Customer>;

const snapshot = closed({ id: Id, name: Name, email: nullable(Email), country: nullable(Country) });

export const customerActions = {
  "v1.customer.list": action({
    params: closed({
      q: Type.Optional(
        Type.String({ minLength: 1, maxLength: 100, description: "Part of the id, the name or the e-mail" }),
      ),
      ...pageQuery,
    }),
    result: Page(Customer),
    auth: "customers:read",
    read: true,
    rest: { method: "GET", path: "/v1/customers", summary: "Customers; a customer sees only their own" },
  }),
  "v1.customer.get": action({
    params: closed({ id: Id }),
    result: Customer,
    auth: "customers:read",
    read: true,
    rest: { method: "GET", path: "/v1/customers/{id}", summary: "One customer" },
  }),
  "v1.customer.create": action({
    params: closed({ id: Type.Optional(Id), name: Name, email: Type.Optional(Email), country: Type.Optional(Country) }),
    result: Keyed(Customer),
    auth: "customers:write",
    rest: {
      method: "POST",
      path: "/v1/customers",
      summary: "Add a customer",
      status: 201,
      key: "optional",
      location: "/v1/customers/{id}",
    },
  }),
  "v1.customer.change": action({
    params: closed({
      id: Id,
      name: Type.Optional(Name),
      email: Type.Optional(nullable(Email)),
      country: Type.Optional(nullable(Country)),
    }),
    result: Customer,
    auth: "customers:write",
    rest: { method: "PATCH", path: "/v1/customers/{id}", summary: "Change a customer", ifMatch: true },
  }),
  /** For placing an order: UNKNOWN_CUSTOMER when nobody has this id. */
  "v1.customer.require": action({
    params: closed({ id: Id }),
    result: closed({ id: Id, name: Name, email: nullable(Email) }),
    auth: "internal",
    read: true,
  }),
  /** Makes the customer of an account if it is not there yet. Also done by the reaction to account.registered.v1. */
  "v1.customer.ensure": action({
    params: closed({ id: Id, name: Name, email: Email }),
    result: Customer,
    auth: "internal",
  }),
  "v1.customer.react": react,
  "v1.customer.park": park,
};

export const customerEvents = {
  "customer.created.v1": snapshot,
  "customer.changed.v1": snapshot,
};
