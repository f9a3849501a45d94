// The API's words, by the names that the app calls them. The shapes are generated from the server's OpenAPI document.

import type * as Raw from './schema';
import type { DeviceAnswer, Page } from './schema';

export type {
  ActAnswer,
  Action,
  ActRequest,
  AgentEvent,
  ApprovalsAnswer,
  Asked,
  CallStatus,
  Decision,
  DiffLine,
  DirectoriesAnswer,
  DoctorAnswer,
  Facet,
  FileDiff,
  Group,
  HandoffAnswer,
  HandoffRequest,
  Hunk,
  ImportedAnswer,
  Item,
  ItemKind,
  ItemPage,
  LinkAnswer,
  LiveEvent,
  Member,
  Mode,
  NamedProfile,
  Options,
  Outline,
  Permission,
  Problem,
  Profile,
  ProjectPage,
  ProvidersAnswer,
  Question,
  Queue,
  RehomeAnswer,
  SearchAnswer,
  SearchHit,
  Session,
  SessionDetail,
  Source,
  SourcesAnswer,
  Status,
  Tool,
  ToolStatus,
  TouchedFiles,
  Usage,
  UsageReport,
  UseAnswer,
  Wish,
} from './schema';

export type SessionPage = Page;
export type Device = DeviceAnswer;

// The document has one schema of a name, and three of work share theirs with others: the catalogue's `Counts` and `Place`
// and the server's `Status`. Until they are told apart there, these say what is sent.

/** How a prompt stands. */
export type TaskStatus = 'pending' | 'claimed' | 'running' | 'completed' | 'failed' | 'interrupted' | 'cancelled';

/** How many prompts stand how. */
export type WorkCounts = Record<'pending' | 'running' | 'completed' | 'failed' | 'interrupted' | 'cancelled', number>;

/** Where the sessions of a run work. */
export type WorkPlace = 'own' | 'shared' | 'directory' | 'worktree';

export type Run = Omit<Raw.Run, 'counts' | 'place'> & { counts: WorkCounts; place: WorkPlace };
export type Task = Omit<Raw.Task, 'status'> & { status: TaskStatus };
export type Logged = Raw.Logged;
export type GroupLine = Omit<Raw.GroupLine, 'lastRun'> & { lastRun: Run | null };
export type GroupAnswer = Omit<Raw.GroupAnswer, 'runs'> & { runs: Run[] };
export type QueueLine = Omit<Raw.QueueLine, 'counts' | 'run'> & { counts: WorkCounts; run: Run | null };
export type QueueAnswer = Omit<Raw.QueueAnswer, 'prompts' | 'run' | 'runs'> & {
  prompts: Task[];
  run: Run | null;
  runs: Run[];
};
export type RunAnswer = Omit<Raw.RunAnswer, 'run' | 'tasks'> & { run: Run; tasks: Task[] };
