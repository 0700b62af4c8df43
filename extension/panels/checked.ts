/**
 * What a page sends, checked; anything else is dropped and logged. The check is compiled when the first message comes.
 */
export function checked<T>(
  schema: () => Promise<{ Check(value: unknown): boolean }>,
  take: (message: T) => void,
  refuse: (message: unknown) => void,
): (message: unknown) => void {
  let check: Promise<{ Check(value: unknown): boolean }> | null = null;
  return message => {
    check ??= schema();
    void check.then(c => (c.Check(message) ? take(message as T) : refuse(message)));
  };
}
