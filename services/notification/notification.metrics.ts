// The numbers of mail.
import { counter } from "../../core/metrics/registry.ts";

const mails = counter("comptoir_mails_total");

export const mailsBy = {
  sent: mails.labels({ outcome: "sent" }),
  failed: mails.labels({ outcome: "failed" }),
  dead: mails.labels({ outcome: "dead" }),
};
