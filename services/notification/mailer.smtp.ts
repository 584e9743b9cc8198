// Mail by SMTP. What the server refuses for good is told from what may go through later; trying again is the caller's.
import { createTransport } from "nodemailer";
import { deriveId } from "../../core/derive-id.ts";
import { MailRefused, type Mail, type Mailer } from "./mailer.port.ts";

export interface SmtpOptions {
  /** smtp://[USER:PASSWORD@]HOST:PORT or smtps://… */
  readonly url: string;
  /** The sender's address. */
  readonly from: string;
}

const CONNECT_MS = 10_000;
const SILENCE_MS = 20_000;
const IDLE_MS = 30_000;
/** From being handed over to the answer, the wait for a free connection included: less than an attempt's lease. */
const SEND_MS = 45_000;

/** Nothing that could name a second mailbox, a comment or another header. */
const ADDRESS = /^[^\s@<>()[\]\\,;:"]+@[^\s@<>()[\]\\,;:"]+$/;

interface SmtpError extends Error {
  readonly code?: string;
  readonly command?: string;
  readonly permanent?: boolean;
}

/** A 5xx for this recipient or this content. One for the login or the sender is about the settings, which can be mended. */
const isRefusal = ({ code, command, permanent }: SmtpError): boolean =>
  permanent === true && (code === "EMESSAGE" || (code === "EENVELOPE" && command === "RCPT TO"));

/** Follows from the notification's id, so that a mail sent twice can be told; its parts may not be fit for a header. */
export const messageIdOf = ({ id }: Pick<Mail, "id">, from: string): string =>
  `<${deriveId("mail", id)}@${from.slice(from.lastIndexOf("@") + 1)}>`;

function transportTo(url: string) {
  return createTransport({
    url,
    pool: true,
    maxConnections: 5,
    // A connection that breaks under a mail leaves its outcome unknown: the attempts, which are counted, go on from there.
    maxRequeues: 0,
    // Before the server hangs up, which a mail on that connection would meet.
    idleTimeout: IDLE_MS,
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

function messageOf(mail: Mail, from: string) {
  const { recipient, subject, body } = mail;
  return {
    from: { name: "", address: from },
    to: { name: "", address: recipient },
    envelope: { from, to: [recipient] },
    messageId: messageIdOf(mail, from),
    // RFC 3834: answering machines do not answer.
    headers: { "Auto-Submitted": "auto-generated" },
    subject,
    text: body,
    signal: AbortSignal.timeout(SEND_MS),
  };
}

export function smtpMailer({ url, from }: SmtpOptions): Mailer {
  const transport = transportTo(url);
  return {
    async send(mail) {
      if (!ADDRESS.test(mail.recipient)) throw new MailRefused("The recipient is not one e-mail address");
      try {
        await transport.sendMail(messageOf(mail, from));
        return "SENT";
      } catch (error) {
        if (isRefusal(error as SmtpError)) throw new MailRefused((error as SmtpError).message, { cause: error });
        throw error;
      }
    },
    close() {
      transport.close({ force: true });
    },
  };
}
