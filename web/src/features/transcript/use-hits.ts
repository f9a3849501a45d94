import { type RefObject, useEffect } from 'react';
import { patternOf } from './marks';

/** More are not marked: one who looks for so common a word sees enough. */
const MOST = 1_000;

/**
 * Marks the words of a query in all that an element shows, output of tools and changes included, also what comes to be shown in
 * it later. Nothing of what is drawn there changes.
 */
export function useHits(box: RefObject<HTMLElement | null>, query: string | undefined): void {
  useEffect(() => {
    const element = box.current;
    const pattern = patternOf(query);
    if (!element || !pattern || !CSS.highlights) return;
    const mark = () => {
      const hits = new Highlight();
      const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
      while (texts.nextNode() && hits.size < MOST) {
        const text = texts.currentNode;
        for (const { 0: word, index } of (text.textContent ?? '').matchAll(pattern)) {
          const hit = new StaticRange({
            startContainer: text,
            startOffset: index,
            endContainer: text,
            endOffset: index + word.length,
          });
          hits.add(hit);
        }
      }
      CSS.highlights.set('hit', hits);
    };
    mark();
    const watch = new MutationObserver(mark);
    watch.observe(element, { childList: true, characterData: true, subtree: true });
    return () => {
      watch.disconnect();
      CSS.highlights.delete('hit');
    };
  }, [box, query]);
}
