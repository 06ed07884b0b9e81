/** Keeps the process alive, which our timers and an idle connection do not, until the answer is called. */
export function keepAlive(): () => void {
  const timer = setInterval(() => undefined, 2 ** 30);
  return () => clearInterval(timer);
}
