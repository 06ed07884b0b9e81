/** On listeners of ours, those of another copy of this package included. */
const OURS = Symbol.for("titanqueue.crash");

/**
 * Tells of the first error that nobody caught, a rejection that nobody handled included, until the answer is called.
 * Without it Node would end the process on the spot, with tasks that run and outcomes on their way.
 *
 * Says nothing where the program listens as well: then it is the program that decides whether the process lives on.
 * A second such error ends the process as Node does.
 */
export function onCrash(tell: (error: unknown) => void): () => void {
  const listener = Object.assign(
    (error: unknown): void => {
      const others = process.listeners("uncaughtException").filter((each) => !(OURS in each));
      if (others.length > 0) return;
      off();
      tell(error);
    },
    { [OURS]: true },
  );
  const off = (): void => {
    process.off("uncaughtException", listener);
  };
  process.on("uncaughtException", listener);
  return off;
}
