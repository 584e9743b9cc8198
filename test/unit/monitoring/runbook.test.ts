// What the runbook and the alerts name can be met: a code that no answer carries sends who looks for it astray.
import { expect, it } from "@jest/globals";
import { catalogue } from "../../../core/kernel/errors.ts";
import { rules, runbook } from "../../support/rules.ts";

/** Words in capitals that are no codes of answers. */
const others = new Set([
  ...["SKU", "REPL", "GC", "README", "DNS", "CPU", "HTTP", "MB"],
  ...["GET", "POST", "PATCH"],
  // Statuses of orders, findings, products and mail, and what stands for something else in a command or an address.
  ...["PENDING", "REJECTED", "OPEN", "INACTIVE", "DEAD"],
  ...["SHOP", "TOKEN", "SERVICE", "INSTANCE"],
  ...["COMPTOIR_AUDIT_INTERVAL", "COMPTOIR_OUTBOX_BOUND", "COMPTOIR_RESERVATION_TTL"],
  ...["KAFKA_PARTITIONS", "KAFKA_RETENTION_DAYS"],
]);

const strangersIn = (text: string): string[] =>
  [...new Set(text.match(/\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*\b/g))].filter(
    word => word.length > 1 && !Object.hasOwn(catalogue, word) && !others.has(word),
  );

it("names only codes of the catalogue, in the runbook and in what an alert says", () => {
  expect(strangersIn(runbook())).toEqual([]);
  expect(
    strangersIn(
      rules()
        .flatMap(({ annotations = {} }) => Object.values(annotations))
        .join("\n"),
    ),
  ).toEqual([]);
});

it.each(["TIMEOUT", "UNEXPECTED", "EVENTS_BACKLOG"])("would find %s", word => {
  expect(strangersIn(`Look at the codes: \`OVERLOADED\`, \`${word}\`.`)).toEqual([word]);
});
