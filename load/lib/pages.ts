/** A page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
}
