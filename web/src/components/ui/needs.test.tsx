import { act, cleanup, render, screen } from '@testing-library/react';
import { afterEach, expect, it } from 'vitest';
import { access, sayScopes } from '../../lib/access';
import { Button } from './button';
import { Needs } from './needs';

afterEach(() => {
  cleanup();
  access.set(['view', 'reply', 'approve']);
});

it('shows what a device may do, and says why the rest is not there', () => {
  render(
    <Needs scope="reply">
      <p>A field</p>
    </Needs>,
  );
  expect(screen.queryByText('A field')).not.toBeNull();
  act(() => access.set(['view']));
  expect(screen.queryByText('A field')).toBeNull();
  expect(screen.queryByText('This device may look, and not say anything to agents.')).not.toBeNull();
});

it('disables a button that the device may not press, with the reason', () => {
  access.set(['view', 'reply']);
  render(
    <Button needs="approve" onClick={() => undefined}>
      Run
    </Button>,
  );
  const button = screen.getByRole<HTMLButtonElement>('button', { name: 'Run' });
  expect(button.disabled).toBe(true);
  expect(button.title).toContain('may not decide');
});

it('says scopes in words', () => {
  expect(sayScopes(['view'])).toBe('may only look');
  expect(sayScopes(['view', 'reply'])).toBe('may look and say something');
  expect(sayScopes(['view', 'reply', 'approve'])).toBe('may do everything');
  expect(sayScopes([])).toBe('may do nothing');
});
