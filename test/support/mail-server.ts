// A real SMTP server on the loopback that keeps what it takes, and that can be made to refuse or to hang up.
import type { AddressInfo, Socket } from "node:net";
import { simpleParser, type ParsedMail } from "mailparser";
import { SMTPServer } from "smtp-server";

/** How the next mails are answered; "drop" hangs up when the whole mail is there, without an answer. */
export type Mood = "take" | "drop" | { readonly at: "rcpt" | "data"; readonly code: number; readonly text: string };

export interface MailServer {
  readonly url: string;
  readonly taken: ParsedMail[];
  /** Addresses of each mail's envelope. */
  readonly envelopes: (readonly string[])[];
  /** Whole mails that came in, whatever was answered. */
  arrivals(): number;
  mood(next: Mood): void;
  /** From now on nobody answers. */
  freeze(): void;
  stop(): Promise<void>;
}

const refusal = ({ code, text }: Extract<Mood, object>) => Object.assign(new Error(text), { responseCode: code });

export async function startMailServer(): Promise<MailServer> {
  const [taken, envelopes] = [[] as ParsedMail[], [] as string[][]];
  const sockets = new Set<Socket>();
  let [mood, arrivals, isFrozen]: [Mood, number, boolean] = ["take", 0, false];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS"],
    onConnect(_session, callback) {
      if (!isFrozen) callback();
    },
    onRcptTo(_address, _session, callback) {
      callback(typeof mood === "object" && mood.at === "rcpt" ? refusal(mood) : null);
    },
    onData(stream, session, callback) {
      void simpleParser(stream).then(mail => {
        arrivals += 1;
        if (isFrozen) return;
        if (mood === "drop") for (const socket of sockets) socket.destroy();
        else if (typeof mood === "object") callback(refusal(mood));
        else {
          taken.push(mail);
          envelopes.push(session.envelope.rcptTo.map(({ address }) => address));
          callback();
        }
      });
    },
  });
  server.server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("error", () => undefined);
  await new Promise<void>(resolve =>
    server.listen(0, "127.0.0.1", () => {
      resolve();
    }),
  );
  const { port } = server.server.address() as AddressInfo;
  return {
    url: `smtp://127.0.0.1:${String(port)}`,
    taken,
    envelopes,
    arrivals: () => arrivals,
    mood: next => {
      mood = next;
    },
    freeze: () => {
      isFrozen = true;
    },
    stop: () =>
      new Promise(resolve => {
        for (const socket of sockets) socket.destroy();
        server.close(() => {
          resolve();
        });
      }),
  };
}
