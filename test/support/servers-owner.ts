// A process that starts a server and is then killed: what it started must end with it.
import { startNats } from "../../scripts/support/servers.ts";

const server = await startNats();
server.process.ref();
process.stdout.write(`${String(server.process.pid)}\n`);
