// Connections that are closed however the work with them ends.
interface Open {
  close(): Promise<unknown>;
}

/** Closes what was opened, also when the next did not open: one connection left would keep the process for ever. */
export async function closing<T>(work: (keep: <O extends Open>(open: O) => O) => Promise<T>): Promise<T> {
  const opened: Open[] = [];
  try {
    return await work(open => {
      opened.push(open);
      return open;
    });
  } finally {
    await Promise.allSettled(opened.map(open => open.close()));
  }
}
