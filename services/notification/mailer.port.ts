// What sends mail.

export interface Mail {
  /** The same at every attempt, so that a mail sent twice can be told. */
  readonly id: string;
  readonly recipient: string;
  readonly subject: string;
  readonly body: string;
}

/** This mail will never be taken: sending it again gets the same answer. */
export class MailRefused extends Error {
  override readonly name = "MailRefused";
}

export interface Mailer {
  /** Mail is read where it is stored: storing it delivers it, and nothing is left to send. */
  readonly deliversByStoring?: true;
  /**
   * SENT: taken and on its way; DELIVERED: where it can be read.
   * @throws MailRefused; anything else says that it was not taken now, or that nobody knows
   */
  send(mail: Mail): Promise<"SENT" | "DELIVERED">;
  /** Breaks off what is under way, which then fails. */
  close?(): void;
}
