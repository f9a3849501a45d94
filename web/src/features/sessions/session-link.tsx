import { useRouter } from '@tanstack/react-router';
import type { AnchorHTMLAttributes, MouseEvent } from 'react';

interface Props extends AnchorHTMLAttributes<HTMLAnchorElement> {
  id: string;
}

/**
 * A link to a session for rows of long lists. The router's own link works out its address and follows the router's state
 * in each row; here that is most of what a row costs while a list is scrolled.
 */
export function SessionLink({ id, children, ...rest }: Props) {
  const router = useRouter();
  const follow = (event: MouseEvent) => {
    // Other buttons and keys mean another tab, a window, a download: the browser's.
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    void router.navigate({ to: '/s/$id', params: { id } });
  };
  return (
    <a href={`/s/${encodeURIComponent(id)}`} onClick={follow} {...rest}>
      {children}
    </a>
  );
}
