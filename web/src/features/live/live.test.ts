import { describe, expect, it } from 'vitest';
import type { LiveEntry } from '../../api/types';
import { saySteered } from './acts';
import { inLanes, PARTS } from './parts';
import { sayEntry } from './permits';
import { firstWords } from './rule-form';

function entry(id: string, state: LiveEntry['live']['state'], cwd: string): LiveEntry {
  return {
    live: {
      id,
      source: 'claude',
      sourceSessionId: id,
      state,
      evidence: [],
      control: { by: 'none', why: 'it is a test' },
      cwd,
    },
  };
}

describe('what runs', () => {
  it('is shown by project, those first in which somebody is waited for', () => {
    const lanes = inLanes([
      entry('a', 'idle', '/p/alpha'),
      entry('b', 'needs_approval', '/p/zeta'),
      entry('c', 'working', '/p/beta'),
      entry('d', 'working', '/p/alpha'),
    ]);
    expect(lanes.map(({ project, entries }) => [project, entries.length])).toEqual([
      ['zeta', 1],
      ['alpha', 2],
      ['beta', 1],
    ]);
  });

  it('stands under exactly one state', () => {
    const states = ['starting', 'working', 'needs_approval', 'needs_input', 'idle', 'unknown'] as const;
    for (const state of states) {
      expect(PARTS.filter(({ isIn }) => isIn(entry('a', state, '/p')))).toHaveLength(1);
    }
  });
});

describe('a rule', () => {
  it('is offered with the program and what it is to do', () => {
    expect(firstWords('cargo test --all -- x')).toBe('cargo test');
    expect(firstWords('ls -la')).toBe('ls');
    expect(firstWords('  touch ruled.txt')).toBe('touch');
    expect(firstWords('npm run:all')).toBe('npm run:all');
    expect(firstWords('')).toBe('');
  });
});

describe('an answer', () => {
  it('is told as heard, and as allowed only when it ran', () => {
    expect(saySteered({ outcome: 'delivered', proof: 'the dialog is gone' }, 'approve')).toBe(
      'Answered: the dialog is gone',
    );
    expect(saySteered({ outcome: 'delivered', proof: 'it stands in the transcript' }, 'send')).toContain('Done');
    expect(saySteered({ outcome: 'unknown', seen: 'x' })).toContain('not known');
  });

  it('stands in the log with what came of it', () => {
    const allow = { say: 'allow' } as const;
    expect(sayEntry({ decision: allow, outcome: 'delivered', call: 'call-1' })).toBe('Answered, not run yet');
    // That a folder may be trusted runs nothing.
    expect(sayEntry({ decision: allow, outcome: 'delivered' })).toBe('Answered');
    expect(sayEntry({ decision: allow, outcome: 'delivered', ranAt: '2026-11-26T04:00:00Z' })).toBe('Allowed');
    expect(sayEntry({ decision: { say: 'deny', reason: null }, outcome: 'delivered' })).toBe('Denied');
    expect(sayEntry({ decision: { say: 'allow' }, outcome: 'refused' })).toBe('Not done');
  });
});
