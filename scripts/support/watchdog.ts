// No process outlives the one that started it, however that one ends.
import { spawn, type ChildProcess } from "node:child_process";
import { Socket } from "node:net";

/** Waits for the end of its input: a line first means that all is well, and none that whoever held the pipe is dead. */
const SCRIPT = `trap "" INT TERM HUP; read -r line || kill -9 "$0" 2>/dev/null`;

/** Kills the child when this process ends, be it by kill -9: then the system closes the pipe that a shell waits on. */
export function endWithThisProcess(child: ChildProcess): void {
  if (child.pid === undefined) return;
  const watchdog = spawn("sh", ["-c", SCRIPT, String(child.pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  watchdog.unref();
  const input = watchdog.stdin;
  if (input instanceof Socket) input.unref();
  input.on("error", () => undefined);
  child.once("exit", () => input.end("ended\n"));
}
