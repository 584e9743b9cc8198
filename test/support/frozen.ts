// JSON that any number of readers may share: whoever changes it throws.

function freeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    for (const part of Object.values(value)) freeze(part);
    Object.freeze(value);
  }
  return value;
}

export const parseFrozen = <T>(json: string): T => freeze(JSON.parse(json) as T);

/** As it would come back from a disk. */
export const frozenCopy = <T>(value: T): T => parseFrozen<T>(JSON.stringify(value));
