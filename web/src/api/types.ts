// The API's words, by the names that the app calls them. The shapes are generated from the server's OpenAPI document.

import type { DeviceAnswer, Page } from './schema';

export type {
  ActAnswer,
  Action,
  ActRequest,
  DiffLine,
  DoctorAnswer,
  Facet,
  FileDiff,
  HandoffAnswer,
  HandoffRequest,
  Hunk,
  Item,
  ItemKind,
  ItemPage,
  LinkAnswer,
  LiveEvent,
  NamedProfile,
  Outline,
  Problem,
  Profile,
  ProjectPage,
  ProvidersAnswer,
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
} from './schema';

export type SessionPage = Page;
export type Device = DeviceAnswer;
