// JSON that any number of readers may share: whoever changes it throws.

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    for (const part of Object.values(value)) freeze(part);
    Object.freeze(value);
  }
  return value;
}

export const parseFrozen = (json: string): unknown => freeze(JSON.parse(json) as unknown);

/** As it would come back from a disk. */
export const frozenCopy = <T>(value: T): T => parseFrozen(JSON.stringify(value)) as T;
