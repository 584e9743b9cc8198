// Takes mail by SMTP and answers the part of Mailpit's HTTP API that reads it: messages, search, message, delete.
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { simpleParser, type AddressObject } from "mailparser";
import { SMTPServer } from "smtp-server";

interface Address {
  readonly Name: string;
  readonly Address: string;
}
interface Message {
  readonly ID: string;
  readonly MessageID: string;
  readonly From: Address | undefined;
  readonly To: readonly Address[];
  readonly Subject: string;
  readonly Created: string;
  readonly Text: string;
}

const SMTP_PORT = 1025;
const HTTP_PORT = 8025;
/** Of a page when nobody asks for another. */
const LIMIT = 50;
/** The newest first. */
const box: Message[] = [];

const addressesOf = (field: AddressObject | AddressObject[] | undefined): Address[] =>
  [field ?? []]
    .flat()
    .flatMap(({ value }) => value)
    .map(({ name, address }) => ({ Name: name, Address: address ?? "" }));

const smtp = new SMTPServer({
  authOptional: true,
  disabledCommands: ["STARTTLS"],
  onData(stream, _session, done) {
    simpleParser(stream).then(mail => {
      box.unshift({
        ID: randomUUID(),
        MessageID: mail.messageId ?? "",
        From: addressesOf(mail.from)[0],
        To: addressesOf(mail.to),
        Subject: mail.subject ?? "",
        Created: new Date().toISOString(),
        Text: mail.text ?? "",
      });
      done();
    }, done);
  },
});

function pageOf(messages: readonly Message[], query: URLSearchParams): object {
  const start = Number(query.get("start") ?? 0);
  const page = messages.slice(start, start + Number(query.get("limit") ?? LIMIT));
  return { total: box.length, messages_count: messages.length, count: page.length, start, messages: page };
}

/** `to:…` and `subject:…`, and words that are anywhere. */
function matches({ To, Subject, Text }: Message, query: string): boolean {
  const places = { to: To.map(({ Address }) => Address).join(), subject: Subject };
  return query.split(/\s+/).every(term => {
    const [, place, text = term] = /^(to|subject):(.*)$/.exec(term) ?? [];
    const where = place === "to" || place === "subject" ? places[place] : `${places.to} ${Subject} ${Text}`;
    return where.toLowerCase().includes(text.replaceAll('"', "").toLowerCase());
  });
}

function answerTo(method: string, { pathname, searchParams }: URL): object | undefined {
  if (pathname === "/readyz" || pathname === "/livez") return {};
  if (pathname === "/api/v1/messages" && method === "DELETE") return box.splice(0);
  if (pathname === "/api/v1/messages") return pageOf(box, searchParams);
  if (pathname === "/api/v1/search") {
    const found = box.filter(message => matches(message, searchParams.get("query") ?? ""));
    return pageOf(found, searchParams);
  }
  const id = /^\/api\/v1\/message\/([\w-]+)$/.exec(pathname)?.[1];
  return id === "latest" ? box[0] : box.find(({ ID }) => ID === id);
}

const http = createServer((request, response) => {
  const body = answerTo(request.method ?? "GET", new URL(request.url ?? "/", "http://mailpit"));
  response.writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" });
  response.end(JSON.stringify(body ?? { Error: "not found" }));
});

smtp.on("error", error => {
  console.error(error.message);
});
smtp.listen(SMTP_PORT);
http.listen(HTTP_PORT);
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => process.exit(0));
