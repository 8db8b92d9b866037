/** Shows the latest of many values once per frame, or four times a second in a hidden page. */

const HIDDEN_MS = 250;

interface Frames<T> {
  push: (value: T) => void;
  cancel: () => void;
}

export function perFrame<T>(show: (value: T) => void): Frames<T> {
  let latest: { value: T } | null = null;
  let cancelFrame: (() => void) | null = null;

  const draw = () => {
    cancelFrame = null;
    if (latest) show(latest.value);
    latest = null;
  };

  return {
    push: (value) => {
      latest = { value };
      cancelFrame ??= nextFrame(draw);
    },
    cancel: () => {
      latest = null;
      cancelFrame?.();
      cancelFrame = null;
    },
  };
}

/** A hidden page gets no animation frames. */
function nextFrame(draw: () => void): () => void {
  if (document.hidden) {
    const timer = setTimeout(draw, HIDDEN_MS);
    return () => clearTimeout(timer);
  }
  const frame = requestAnimationFrame(draw);
  return () => cancelAnimationFrame(frame);
}
