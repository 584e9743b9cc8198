// Where a request comes from: the connection's address, or what the proxies in front say who are trusted to say it.
import type { IncomingMessage } from "node:http";
import proxyAddr from "proxy-addr";
import type { Config } from "../../core/config.ts";

/** A client can write anything into X-Forwarded-For: only what the trusted ones appended counts. */
export function clientAddress(trusted: Config["trustedProxies"]): (request: IncomingMessage) => string {
  if (trusted === 0) return ({ socket }) => socket.remoteAddress ?? "";
  const trust =
    typeof trusted === "number" ? (_address: string, hop: number) => hop < trusted : proxyAddr.compile([...trusted]);
  return request => (request.socket.remoteAddress === undefined ? "" : proxyAddr(request, trust));
}
