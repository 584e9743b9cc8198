// What sends mail.

export interface Mail {
  /** The same at every attempt, so that a mail sent twice can be told. */
  readonly id: string;
  readonly recipient: string;
  readonly subject: string;
  readonly body: string;
}

export interface Mailer {
  /** Mail is read where it is stored: storing it delivers it, and nothing is left to send. */
  readonly deliversByStoring?: true;
  /** SENT: taken and on its way; DELIVERED: where it can be read. Throws when it was not taken, or nobody knows. */
  send(mail: Mail): Promise<"SENT" | "DELIVERED">;
}
