/** The wait between two connections: longer after each failure, cut short when the network comes back. */

const FIRST_MS = 300;
const LONGEST_MS = 10_000;

export function backoffMs(failures: number, random: () => number = Math.random): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** failures);
  return full * (0.5 + random() / 2);
}

export function pause(failures: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      window.removeEventListener("online", done);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, backoffMs(failures));
    window.addEventListener("online", done);
    signal.addEventListener("abort", done);
  });
}
