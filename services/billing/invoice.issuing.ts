// Drafts become documents with a number: each is made once, and whoever finds it unfinished finishes it.
import { present } from "../../core/decisions.ts";
import { timestamp, type Clock } from "../../core/kernel/clock.ts";
import { refusal, type Refusal } from "../../core/kernel/errors.ts";
import { keep, refuseWith, write, type DocumentStore, type Versioned } from "../../core/store/port.ts";
import { claim, creditNoteOf, isNumbered, type InvoiceState, type NoteDetails, type Wanted } from "./invoice.domain.ts";
import type { Numbering } from "./numbering.ts";

export interface IssuingTools {
  readonly invoices: DocumentStore<InvoiceState>;
  readonly numbering: Numbering;
  readonly clock: Clock;
}
export type Issuing = ReturnType<typeof createIssuing>;

const accepted = (): null => null;

export function createIssuing({ invoices, numbering, clock }: IssuingTools) {
  /** `again` may refuse a repeat. Answers when the number is given. */
  async function issueOnce(id: string, made: InvoiceState, again: (known: InvoiceState) => Refusal | null = accepted) {
    const { result: replayed, document } = await invoices.update(
      id,
      current => {
        if (current === null) return write(made, [], false);
        const refused = again(current.state);
        return refused === null ? keep(true) : refuseWith(refused);
      },
      { expectsNew: true },
    );
    const known = present(document);
    if (isNumbered(known.state)) return { replayed, document: known };
    await numbering.number(id, known.state);
    return { replayed, document: present(await invoices.load(id)) };
  }

  return {
    issueOnce,

    /** Claims in the invoice, then makes the note from the claim. Without anything left to credit there is no note. */
    async credit(
      invoiceId: string,
      noteId: string,
      wantedOf: (invoice: InvoiceState) => readonly Wanted[],
      details: NoteDetails,
    ): Promise<void> {
      const { document } = await invoices.update(invoiceId, current => {
        if (current === null) return refuseWith(refusal("INVOICE_NOT_FOUND", `${invoiceId} is not there yet`));
        const claimed = claim(current.state, noteId, wantedOf(current.state));
        return claimed === null ? keep(null) : write(claimed, [], null);
      });
      const invoice: Versioned<InvoiceState> = present(document);
      const note = creditNoteOf(noteId, invoice, details, timestamp(clock.now()));
      if (note !== null) await issueOnce(noteId, note);
    },
  };
}
