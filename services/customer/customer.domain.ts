// What may happen to a customer.
import type { ParamsOf } from "../../core/contracts/action.ts";
import type { customerActions } from "../../core/contracts/customer.ts";
import type { DomainEvent, EventData } from "../../core/contracts/index.ts";
import { accept, refuse, type Decision } from "../../core/kernel/decider.ts";
import { refusal } from "../../core/kernel/errors.ts";

export type CustomerDetails = Omit<EventData<"customer.created.v1">, "id">;
export type NewCustomer = ParamsOf<(typeof customerActions)["v1.customer.create"]> & { id: string };
export type CustomerChange = ParamsOf<(typeof customerActions)["v1.customer.change"]>;
export type CustomerEvent = DomainEvent<"customer.created.v1" | "customer.changed.v1">;

export function decideCreate(existing: CustomerDetails | null, customer: NewCustomer): Decision<CustomerEvent> {
  if (existing === null) return decideEnsure(existing, customer);
  return refuse(
    refusal("CUSTOMER_EXISTS", `A customer with id ${customer.id} exists: change that one, or take another id`),
  );
}

/** For an account's customer: made if it is not there, else left as it is. */
export function decideEnsure(existing: CustomerDetails | null, customer: NewCustomer): Decision<CustomerEvent> {
  if (existing !== null) return accept();
  const { id, name, email = null, country = null } = customer;
  return accept({ type: "customer.created.v1", data: { id, name, email, country } });
}

/** A change to what it is already makes no event. */
export function decideChange(existing: CustomerDetails | null, change: CustomerChange): Decision<CustomerEvent> {
  if (existing === null) return refuse(customerNotFound(change.id));
  const { id, name, email, country } = { ...existing, ...change };
  const isSame = name === existing.name && email === existing.email && country === existing.country;
  return isSame ? accept() : accept({ type: "customer.changed.v1", data: { id, name, email, country } });
}

export const customerNotFound = (id: string) => refusal("CUSTOMER_NOT_FOUND", `There is no customer ${id}`);

export const unknownCustomer = (id: string) =>
  refusal("UNKNOWN_CUSTOMER", `There is no customer ${id}: add the customer first, or order with an e-mail only`);
