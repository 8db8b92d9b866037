"use client";

/** Keeps the end of a growing list in view until the reader scrolls away from it. */

import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

const NEAR_PX = 48;

interface StickyScroll {
  scroller: RefObject<HTMLDivElement | null>;
  content: RefObject<HTMLDivElement | null>;
  atEnd: boolean;
  toEnd: () => void;
}

/** `first` names the first entry: where others came in above it, what is read stays where it is. */
export function useStickyScroll(first: string | undefined): StickyScroll {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const sticky = useRef(true);
  const last = useRef({ top: 0, height: 0 });
  const wasFirst = useRef(first);
  const [atEnd, setAtEnd] = useState(true);

  const toEnd = useCallback(() => {
    sticky.current = true;
    setAtEnd(true);
    if (scroller.current) scroller.current.scrollTop = scroller.current.scrollHeight;
  }, []);

  useEffect(() => {
    const box = scroller.current;
    if (!box || !content.current) return;
    const onScroll = () => {
      const near = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
      // Growth alone never moves the reader up: only the reader's own hand lets go of the end.
      if (near) sticky.current = true;
      else if (box.scrollTop < last.current.top) sticky.current = false;
      last.current = { top: box.scrollTop, height: box.scrollHeight };
      setAtEnd(near || sticky.current);
    };
    const growth = new ResizeObserver(() => {
      if (sticky.current) box.scrollTop = box.scrollHeight;
      last.current.height = box.scrollHeight;
    });
    box.addEventListener("scroll", onScroll, { passive: true });
    growth.observe(content.current);
    growth.observe(box);
    return () => {
      box.removeEventListener("scroll", onScroll);
      growth.disconnect();
    };
  }, []);

  useLayoutEffect(() => {
    const box = scroller.current;
    const grewAbove = box?.querySelector(`[data-message-id="${wasFirst.current}"]`);
    wasFirst.current = first;
    if (!box || sticky.current || !grewAbove) return;
    box.scrollTop += box.scrollHeight - last.current.height;
    last.current = { top: box.scrollTop, height: box.scrollHeight };
  }, [first]);

  return { scroller, content, atEnd, toEnd };
}
