// Bounded concurrency over a lazy source.

/** At most `width` at a time, started in order; nothing is asked of the source ahead. The first failure stops the rest. */
export async function inParallel<T>(
  source: Iterable<T>,
  width: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const items = source[Symbol.iterator]();
  const shared: Iterable<T> = { [Symbol.iterator]: () => items };
  const worker = async (): Promise<void> => {
    for (const item of shared) await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
