// Ids that follow from another id: whoever asks again asks for the same thing.

export const paymentIdOf = (orderId: string): string => `pay:${orderId}`;
export const invoiceIdOf = (orderId: string): string => `inv:${orderId}`;
export const reservationIdOf = (orderId: string): string => `rsv:${orderId}`;
