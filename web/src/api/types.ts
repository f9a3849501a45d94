// The API's words, as the server's OpenAPI document will say them. Replaced by aliases of the generated types.

/** RFC 3339 in UTC, with milliseconds. */
export type Time = string;
/** `<source>:<the agent's own id>`. */
export type SessionId = string;
export type Source = 'claude' | 'codex' | 'gemini' | 'opencode' | 'qwen';

export interface Usage {
  inputTokens: number;
  cachedInputTokens: number;
  cacheWriteTokens: number;
  outputTokens: number;
  /** Part of `outputTokens`. */
  reasoningTokens: number;
}

export interface Counts {
  prompts: number;
  answers: number;
  toolCalls: number;
  errors: number;
  subagents: number;
}

export interface Session {
  id: SessionId;
  source: Source;
  sourceSessionId: string;
  kind: 'main' | 'subagent';
  parentId: SessionId | null;
  forkedFromId: SessionId | null;
  title: string | null;
  firstPrompt: string | null;
  /** The last part of `cwd`. */
  project: string | null;
  cwd: string | null;
  gitBranch: string | null;
  gitCommit: string | null;
  gitRemote: string | null;
  model: string | null;
  provider: string | null;
  agentVersion: string | null;
  startedAt: Time | null;
  updatedAt: Time | null;
  archived: boolean;
  /** The agent's file is gone; prompts and answers are kept. */
  missing: boolean;
  counts: Counts;
  inherited: { prompts: number; answers: number; toolCalls: number };
  usage: Usage;
  /** Millionths of a US dollar. */
  costMicroUsd: number;
  files: { path: string; bytes: number }[];
  skippedRecords: number;
}

/** GET /api/v1/sessions — filters: source, project, branch, model, file, since, until (repeatable where it makes sense), archived, all, q (in title, first prompt, project, id), sort=updated|started|cost|size, limit (≤ 500), cursor. */
export interface SessionPage {
  sessions: Session[];
  total: number;
  nextCursor: string | null;
}

/** GET /api/v1/projects — same filters, `per` sessions of each (≤ 20), `limit` projects; the last active first. */
export interface ProjectPage {
  projects: {
    /** Name; null: no directory is known. */
    project: string | null;
    sessions: Session[];
    total: number;
    updatedAt: Time | null;
    costMicroUsd: number;
    totalTokens: number;
  }[];
  total: number;
}

export type ItemKind =
  | 'prompt'
  | 'answer'
  | 'reasoning'
  | 'tool'
  | 'file_change'
  | 'compaction'
  | 'context'
  | 'notice'
  | 'error'
  | 'unknown';
export type ToolStatus = 'pending' | 'completed' | 'failed' | 'declined';

/** A line of a diff: `op` is ' ', '+' or '-'. */
export interface DiffLine {
  op: ' ' | '+' | '-';
  text: string;
}
export interface Hunk {
  /** The first line's number before and after; 0 where the agent does not record it. */
  oldStart: number;
  newStart: number;
  lines: DiffLine[];
}
export interface FileDiff {
  path: string;
  change: 'create' | 'edit' | 'delete' | 'move';
  movedTo: string | null;
  added: number;
  removed: number;
  hunks: Hunk[];
  /** The diff was cut. */
  truncated: boolean;
}

/** What a tool call does, the same for every agent. Made by the server from the agent's own input. */
export type Action =
  | { type: 'command'; command: string; cwd: string | null }
  | { type: 'edit'; files: FileDiff[] }
  | { type: 'read'; path: string }
  | { type: 'find'; pattern: string; path: string | null }
  | { type: 'web'; target: string }
  | { type: 'todo'; items: { text: string; status: 'pending' | 'in_progress' | 'completed' }[] }
  | { type: 'agent'; description: string; prompt: string }
  | { type: 'other'; summary: string };

export interface Tool {
  name: string;
  callId: string | null;
  /** As the agent wrote it, JSON or text; cut at 64 kB. */
  input: string | null;
  /** Cut at 64 kB: the first and the last half; may hold ANSI escapes. */
  output: string | null;
  status: ToolStatus;
  exitCode: number | null;
  durationMs: number | null;
  action: Action;
}

export interface Item {
  /** Its number in the session; an inherited item bears its origin's. */
  seq: number;
  /** Its place in the transcript as shown, `seq` or `<n>.<seq>` for inherited ones: what cursors and React keys are made of. */
  key: string;
  kind: ItemKind;
  at: Time | null;
  /** Markdown for prompts and answers, plain else; cut at 64 kB. */
  text: string;
  model: string | null;
  tool?: Tool;
  /** What the model request cost that it came of; on one item of each request. */
  usage?: Usage;
  inherited?: boolean;
  inheritedFrom?: SessionId;
  /** The child session that this call started. */
  childId?: SessionId;
  /** GET /api/v1/sessions/{id}/items/{key}/images/{0..n-1} */
  images?: number;
  /** Bytes of text, input and output that were cut away here; the whole is at /items/{key}. */
  truncatedBytes?: number;
  raw: { path: string; offset: number; length: number };
  unreadable?: boolean;
}

/**
 * GET /api/v1/sessions/{id}/items?limit= (≤ 200) and at most one of
 * `after=KEY`, `before=KEY`, `around=KEY`, `at=start`, `at=end` (default).
 */
export interface ItemPage {
  items: Item[];
  /** Pass as `before`; null: this page begins at the start. */
  previousCursor: string | null;
  /** Pass as `after`; null: this page ends at the end. */
  nextCursor: string | null;
  /** The revision this page is true for; compare with the events'. */
  revision: number;
  /** What is missing from the history, in words. */
  warnings: string[];
}

/** GET /api/v1/sessions/{id} */
export interface SessionDetail {
  session: Session;
  parent: Session | null;
  origin: Session | null;
  children: Session[];
  forks: Session[];
  /** Items of its own. */
  items: number;
}

/** GET /api/v1/sessions/{id}/outline — what one jumps to and what the side's timeline shows; at most 5,000 marks, evenly thinned prompts last to go. */
export interface Outline {
  marks: {
    key: string;
    kind: 'prompt' | 'compaction' | 'error' | 'failed_tool' | 'subagent' | 'fork';
    at: Time | null;
    text: string;
  }[];
  truncated: boolean;
}

/** GET /api/v1/sessions/{id}/files */
export interface TouchedFiles {
  files: { path: string; reads: number; writes: number }[];
}

/** GET /api/v1/search?q=…&limit=&order=rank|place; the list's filters as parameters, too, and `session=ID` to find within one. */
export interface SearchHit {
  session: {
    id: SessionId;
    source: Source;
    title: string | null;
    project: string | null;
    updatedAt: Time | null;
    parentId: SessionId | null;
    missing: boolean;
  };
  seq: number;
  key: string;
  kind: ItemKind;
  at: Time | null;
  snippet: string;
  /** Ranges of the snippet, in UTF-16 units here (the server converts). */
  highlights: [number, number][];
  score: number;
}
export interface SearchAnswer {
  hits: SearchHit[];
  total: number;
  /** Everything was looked at. */
  complete: boolean;
  notes: string[];
  /** What the query means: shown as chips. */
  meaning: { type: 'word' | 'phrase' | 'prefix' | 'not' | 'any' | 'filter'; text: string }[];
  facets: { source: Facet[]; project: Facet[]; kind: Facet[]; time: Facet[] };
}
/** `value` can be given back as a filter: source:VALUE, project:VALUE, kind:VALUE, since:VALUE. */
export interface Facet {
  value: string;
  count: number;
}

/** GET /api/v1/usage?by=day|model|project|source|session&and=… (a second grouping), list filters; /api/v1/usage.csv the same as CSV. */
export interface UsageReport {
  lines: { key: string; and?: string; requests: number; usage: Usage; costMicroUsd: number }[];
  total: { key: string; requests: number; usage: Usage; costMicroUsd: number };
  unpricedModels: string[];
  /** The price table's date. */
  pricesOf: string;
}

/** GET /api/v1/sources */
export interface SourcesAnswer {
  sources: {
    source: Source;
    name: string;
    roots: string[];
    sessions: number;
    subagents: number;
    files: number;
    bytes: number;
    versions: string[];
    firstAt: Time | null;
    lastAt: Time | null;
    skipped: Record<string, number>;
    unknown: Record<string, number>;
    problems: string[];
  }[];
  /** Where each agent would be looked for; shown on the first run. */
  places: { source: Source; name: string; path: string; exists: boolean }[];
}

/** GET /api/v1/doctor */
export interface DoctorAnswer {
  findings: { problem: string; cure: string }[];
  retention: { source: Source; days: number; sessionsAtRisk: number }[];
}

/** GET /api/v1/status */
export interface Status {
  version: string;
  demo: boolean;
  sessions: number;
  indexing: Indexing;
  revision: number;
  epoch: string;
}
export interface Indexing {
  /** `idle`: up to date. `messages`: prompts and answers are being read. `texts`: they can be found, the rest is being indexed. */
  phase: 'idle' | 'messages' | 'texts';
  bytes: number;
  ofBytes: number;
  bytesPerSecond: number | null;
  secondsLeft: number | null;
  /** Why it could not be brought up to date, in words. */
  problem: string | null;
}

/**
 * WebSocket /api/v1/events/socket?after=EPOCH.REVISION, one JSON text message an event; the same as SSE at /api/v1/events (Last-Event-ID).
 * A client that was away says the last `id` it has and gets everything since, once.
 */
export type LiveEvent =
  /** Something of the session changed; `session` is as it is now. `rewritten`: items that were there before may differ. */
  | { id: string; kind: 'session'; session: Session; items: number; rewritten: boolean }
  | { id: string; kind: 'progress'; indexing: Indexing }
  /** What was missed can't be told any more: read everything again. */
  | { id: string; kind: 'reset' };

/** RFC 9457, content type application/problem+json. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string;
}

/** GET /api/v1/devices, DELETE /api/v1/devices/{id}, POST /api/v1/devices/links → {url, expiresAt, qrSvg} */
export interface Device {
  id: string;
  name: string;
  createdAt: Time;
  lastSeenAt: Time;
  current: boolean;
}
