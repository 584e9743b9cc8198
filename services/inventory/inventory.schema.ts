// What inventory stores: stock items under their SKU, movements under their event's id, commands under their own.
import type { Movement, StockItem } from "../../core/contracts/inventory.ts";
import type { CollectionSpec, Versioned } from "../../core/store/port.ts";
import { availableOf, type Stock } from "./inventory.domain.ts";

export const stockCollection: CollectionSpec<Stock> = {
  name: "stock_items",
  aggregate: "stock",
  indexes: [],
  schemaVersion: 1,
};

export interface StoredMovement extends Omit<Movement, "id"> {
  readonly movementId: string;
}

export const movementCollection: CollectionSpec<StoredMovement> = {
  name: "movements",
  aggregate: "movement",
  indexes: [{ on: ["sku", "seq"] }, { on: ["movementId"], unique: true }],
  eventless: true,
  schemaVersion: 1,
};

/** The number of the last event of a SKU up to which its movements are complete. */
export interface Progress {
  readonly seq: number;
}

export const progressCollection: CollectionSpec<Progress> = {
  name: "movement_progress",
  aggregate: "movement_progress",
  indexes: [],
  eventless: true,
  schemaVersion: 1,
};

/** What an Idempotency-Key was first used for; kept for ever. */
export interface Claim {
  readonly fingerprint: string;
}

export const claimCollection: CollectionSpec<Claim> = {
  name: "claims",
  aggregate: "claim",
  indexes: [],
  eventless: true,
  schemaVersion: 1,
};

export const stockView = ({ state, version }: Versioned<Stock>): StockItem => ({
  sku: state.sku,
  onHand: state.onHand,
  reserved: state.reserved,
  allocated: state.allocated,
  available: availableOf(state),
  version,
});

export const toStored = ({ id, ...movement }: Movement): StoredMovement => ({ movementId: id, ...movement });

export const movementView = ({ state: { movementId, ...movement } }: Versioned<StoredMovement>): Movement => ({
  id: movementId,
  ...movement,
});
