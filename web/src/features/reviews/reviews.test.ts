import { describe, expect, it } from 'vitest';
import type { ReviewAnswer } from '../../api/types';
import { currentFindings } from './acts';
import { reviewersOf } from './reviewer-choice';
import { sayState, stateOf } from './states';

function review(more: Partial<ReviewAnswer>): ReviewAnswer {
  return {
    id: 'r',
    parent: 'claude:p',
    anchor: { what: 'last' },
    context: [],
    source: 'codex',
    cwd: '/p',
    state: 'running',
    rounds: [],
    maxRounds: 3,
    sentBack: [],
    createdAt: '2026-11-26T10:00:00.000Z',
    roundsLeft: 3,
    costMicroUsd: 0,
    ...more,
  };
}

function round(more: Partial<ReviewAnswer['rounds'][number]>): ReviewAnswer['rounds'][number] {
  return {
    prompt: 'p',
    run: 'r',
    task: 't',
    state: 'answered',
    findings: [],
    isStructured: true,
    usage: {
      inputTokens: 0,
      cachedInputTokens: 0,
      cacheWriteTokens: 0,

      outputTokens: 0,
      reasoningTokens: 0,
    },
    startedAt: '2026-11-26T10:00:00.000Z',
    ...more,
  };
}

describe('reviewers', () => {
  it('are one for each model of an agent', () => {
    const chosen = new Map([
      ['codex', ''],
      ['claude', 'opus, sonnet,,opus '],
    ] as const);
    expect(reviewersOf(chosen)).toEqual([
      { agent: 'codex', model: null },
      { agent: 'claude', model: 'opus' },
      { agent: 'claude', model: 'sonnet' },
    ]);
  });
});

describe('a review', () => {
  const finding = { severity: 'major', text: 'wrong' } as const;

  it('says what was found last in a list', () => {
    const rounds = [round({ findings: [finding] }), round({ isStructured: false })];
    const one = review({ state: 'answered', rounds, currentRound: 0 });
    expect(currentFindings(one)).toEqual([finding]);
    expect(sayState(one)).toBe('1 finding');
    expect(sayState(review({ state: 'answered', rounds: [round({})], currentRound: 0 }))).toBe('no findings');
    expect(sayState(review({ state: 'answered', rounds: [round({ isStructured: false })] }))).toBe('answered in words');
  });

  it('is told apart from one that was stopped', () => {
    const failed = review({ state: 'failed', rounds: [round({ state: 'failed', isStructured: false })] });
    const stopped = review({ state: 'failed', rounds: [round({ state: 'stopped', isStructured: false })] });
    expect([stateOf(failed), sayState(failed)]).toEqual(['failed', 'failed']);
    expect([stateOf(stopped), sayState(stopped)]).toEqual(['interrupted', 'stopped']);
    expect(stateOf(review({}))).toBe('running');
  });
});
