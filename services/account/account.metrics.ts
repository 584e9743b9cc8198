// The numbers of logins.
import { counter } from "../../core/metrics/registry.ts";

const logins = counter("comptoir_logins_total");

export const loginsBy = { ok: logins.labels({ outcome: "ok" }), refused: logins.labels({ outcome: "refused" }) };
