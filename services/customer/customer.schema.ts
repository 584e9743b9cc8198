// A customer as it is stored, under its id.
import type { Customer } from "../../core/contracts/customer.ts";
import type { Origin } from "../../core/decisions.ts";
import type { CollectionSpec, Versioned } from "../../core/store/port.ts";
import type { CustomerEvent, CustomerDetails } from "./customer.domain.ts";

export interface CustomerState extends CustomerDetails, Origin {
  /** The document's id, where a list can be narrowed to it. */
  readonly customerId: string;
  /** Id, name and e-mail in lower case, for `q`. */
  readonly search: string;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export const customerCollection: CollectionSpec<CustomerState> = {
  name: "customers",
  aggregate: "customer",
  indexes: [{ on: ["customerId"] }, { on: ["command"], unique: true }],
  searchable: ["search"],
  schemaVersion: 1,
};

/** `origin` counts only for the event that makes the customer. */
export const evolveAt =
  (at: string, origin: Origin) =>
  (state: CustomerState | null, { data }: CustomerEvent): CustomerState => ({
    command: state?.command ?? origin.command,
    fingerprint: state?.fingerprint ?? origin.fingerprint,
    customerId: data.id,
    name: data.name,
    email: data.email,
    country: data.country,
    search: [data.id, data.name, data.email ?? ""].join("\n").toLowerCase(),
    createdAt: state?.createdAt ?? at,
    updatedAt: at,
  });

export const customerView = ({ state, version }: Versioned<CustomerState>): Customer => ({
  id: state.customerId,
  name: state.name,
  email: state.email,
  country: state.country,
  createdAt: state.createdAt,
  updatedAt: state.updatedAt,
  version,
});
