//! What goes over the wire where the index's own types don't say it all.

use marline_agents::action::Action;
use marline_agents::placed::place;
use marline_index::{
    Entry, Facets, Finding, Hit, HitSession, ItemPage, Mark, MarkKind, Meaning, PICTURE, Place, Searched,
    Session, SourceReport, Touched,
};
use marline_model::{ItemKind, SessionId, Source, Timestamp, ToolStatus, Usage};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::scopes::Scope;

/// Texts beyond this are cut in a page; the whole is at the item's own address.
pub const MAX_TEXT: usize = 64 << 10;
/// Texts beyond this are cut at the item's own address, too.
pub const MAX_WHOLE_TEXT: usize = 8 << 20;
/// Inputs beyond this are not looked into for what they do.
const MAX_UNDERSTOOD: usize = 1 << 20;

/// One thing in a session.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// Its number in the session; an inherited item bears its origin's.
    pub seq: u64,
    /// Its place in the transcript: `seq`, or `<forks back>.<seq>` for what is inherited by reference.
    pub key: String,
    /// What it is.
    pub kind: ItemKind,
    /// When.
    pub at: Option<Timestamp>,
    /// Markdown for prompts and answers, plain text else; cut at 64 KiB in pages.
    pub text: String,
    /// The model that said or did it.
    pub model: Option<String>,
    /// The call, if it is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub tool: Option<Tool>,
    /// What the model request cost that it came of; on one item of each request.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub usage: Option<Usage>,
    /// The origin's, not this session's own.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub inherited: bool,
    /// The session that an item inherited by reference lies in.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub inherited_from: Option<String>,
    /// The child session that this call started.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub child_id: Option<SessionId>,
    /// How many pictures it holds; its texts don't mention them.
    #[serde(skip_serializing_if = "is_zero")]
    #[schema(required = false)]
    pub images: usize,
    /// Pictures that were there and can't be shown: the record is gone, or of a kind that is not shown.
    #[serde(skip_serializing_if = "is_zero")]
    #[schema(required = false)]
    pub lost_images: usize,
    /// Bytes of its texts that were cut away here.
    #[serde(skip_serializing_if = "is_zero")]
    #[schema(required = false)]
    pub truncated_bytes: usize,
    /// Its record.
    pub raw: Place,
    /// The record can't be read any more, or not as it was.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub unreadable: bool,
}

/// A tool call.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tool {
    /// The tool's name.
    pub name: String,
    /// The agent's id of the call.
    pub call_id: Option<String>,
    /// The input as the agent wrote it, JSON or text.
    pub input: Option<String>,
    /// The output; may hold ANSI escapes.
    pub output: Option<String>,
    /// How it ended.
    pub status: ToolStatus,
    /// The exit code of a command.
    pub exit_code: Option<i64>,
    /// How long it took.
    pub duration_ms: Option<u64>,
    /// What it does, in the same words for every agent.
    pub action: Action,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// Cuts a text's middle out. Returns how many bytes went.
fn cut(text: &mut String, most: usize) -> usize {
    if text.len() <= most {
        return 0;
    }
    let head = text.floor_char_boundary(most / 2);
    let tail = text.ceil_char_boundary(text.len() - most / 2);
    text.replace_range(head..tail, "\n…\n");
    tail - head
}

/// Takes the lines out that stand for pictures. Returns how many went.
fn take_pictures(text: &mut String) -> usize {
    if !text.contains(PICTURE) {
        return 0;
    }
    let before = text.lines().count();
    let kept: Vec<&str> = text.lines().filter(|line| line.trim() != PICTURE).collect();
    let taken = before - kept.len();
    if taken > 0 {
        *text = kept.join("\n");
    }
    taken
}

impl Item {
    /// Makes one of a transcript's entry; each of its texts is cut at `most` bytes.
    pub fn of(mut entry: Entry, most: usize) -> Self {
        let mut truncated_bytes = 0;
        let mut lost_images = 0;
        if entry.has_pictures {
            // What a program prints may look like it; only where there are pictures it stands for them.
            let output =
                entry.tool.as_mut().and_then(|tool| tool.output.as_mut()).filter(|_| entry.images > 0);
            let named: usize = [Some(&mut entry.text), output].into_iter().flatten().map(take_pictures).sum();
            lost_images = named.saturating_sub(entry.images);
        }
        let mut shorten = |mut text: String| {
            truncated_bytes += cut(&mut text, most);
            text
        };
        let tool = entry.tool.map(|tool| {
            let input = tool.input.as_deref().unwrap_or_default();
            let mut action = Action::of(&tool.name, &input[..input.floor_char_boundary(MAX_UNDERSTOOD)]);
            place(&mut action, &entry.places);
            Tool {
                name: tool.name,
                call_id: tool.call_id,
                input: tool.input.map(&mut shorten),
                output: tool.output.map(&mut shorten),
                status: tool.status,
                exit_code: tool.exit_code,
                duration_ms: tool.duration_ms,
                action,
            }
        });
        Item {
            seq: entry.seq,
            key: entry.key.to_string(),
            kind: entry.kind,
            at: entry.at,
            text: shorten(entry.text),
            model: entry.model,
            tool,
            usage: entry.usage,
            inherited: entry.inherited,
            inherited_from: entry.inherited_from,
            child_id: entry.child_id,
            images: entry.images,
            lost_images,
            truncated_bytes,
            raw: entry.raw,
            unreadable: entry.unreadable,
        }
    }
}

/// A page of a transcript.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ItemPage)]
pub struct Items {
    /// The items in their order.
    pub items: Vec<Item>,
    /// To be given as `before`; none: this page begins at the start.
    pub previous_cursor: Option<String>,
    /// To be given as `after`; none: this page ends at the end.
    pub next_cursor: Option<String>,
    /// The catalogue's revision that this page is true for.
    pub revision: i64,
    /// What is missing from the history, in words.
    pub warnings: Vec<String>,
}

impl Items {
    /// Makes one of the index's page.
    pub fn of(page: ItemPage, revision: i64) -> Self {
        Items {
            items: page.items.into_iter().map(|entry| Item::of(entry, MAX_TEXT)).collect(),
            previous_cursor: page.previous.map(|key| key.to_string()),
            next_cursor: page.next.map(|key| key.to_string()),
            revision,
            warnings: page.warnings,
        }
    }
}

/// A session with its relations.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionDetail {
    /// The session.
    pub session: Session,
    /// The session that started it, if it is a sub-agent's.
    pub parent: Option<Session>,
    /// The session it was forked from.
    pub origin: Option<Session>,
    /// Sub-agents' sessions that it started.
    pub children: Vec<Session>,
    /// Sessions that were forked from it.
    pub forks: Vec<Session>,
    /// How many items it has of its own.
    pub items: u64,
    /// The session whose work it reviews, if it is a reviewer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reviews: Option<ReviewedSession>,
}

/// A session whose work is reviewed.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewedSession {
    /// The review.
    pub review: String,
    /// The session's id.
    pub id: SessionId,
    /// The session, if it is known.
    pub session: Option<Session>,
}

/// Sessions that belong to another one.
#[derive(Debug, Serialize, ToSchema)]
pub struct Related {
    /// The sessions, the first begun first.
    pub sessions: Vec<Session>,
}

/// What one jumps to in a session.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Outline)]
pub struct OutlineAnswer {
    /// The marks in their order.
    pub marks: Vec<OutlineMark>,
    /// There are more.
    pub truncated: bool,
}

/// A place to jump to.
#[derive(Debug, Serialize, ToSchema)]
pub struct OutlineMark {
    /// The item.
    pub key: String,
    /// What it is.
    pub kind: OutlineKind,
    /// When.
    pub at: Option<Timestamp>,
    /// Its first words.
    pub text: String,
}

/// What a mark is.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutlineKind {
    /// The human said something.
    Prompt,
    /// The history was summed up.
    Compaction,
    /// The agent reported a failure.
    Error,
    /// A tool failed or was refused.
    FailedTool,
    /// A sub-agent was started.
    Subagent,
    /// Here the session leaves its origin.
    Fork,
}

impl From<Mark> for OutlineMark {
    fn from(mark: Mark) -> Self {
        let kind = match mark.kind {
            MarkKind::Prompt => OutlineKind::Prompt,
            MarkKind::Compaction => OutlineKind::Compaction,
            MarkKind::Error => OutlineKind::Error,
            MarkKind::FailedTool => OutlineKind::FailedTool,
            MarkKind::Subagent => OutlineKind::Subagent,
            MarkKind::Fork => OutlineKind::Fork,
        };
        OutlineMark { key: mark.key.to_string(), kind, at: mark.at, text: mark.text }
    }
}

/// Files that a session's tools named.
#[derive(Debug, Serialize, ToSchema)]
pub struct TouchedFiles {
    /// The files, the most written first.
    pub files: Vec<Touched>,
}

/// What a search found.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchAnswer {
    /// The hits.
    pub hits: Vec<SearchHit>,
    /// How many items match; a lower bound where `complete` is false.
    pub total: u64,
    /// Everything was looked at.
    pub complete: bool,
    /// What one should know about the answer.
    pub notes: Vec<String>,
    /// What the query was taken for.
    pub meaning: Vec<Meaning>,
    /// How what matches is spread.
    pub facets: Facets,
}

/// One item that matches.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchHit {
    /// Its session.
    pub session: HitSession,
    /// Its number in the session.
    pub seq: u64,
    /// Its place in the session's transcript.
    pub key: String,
    /// What it is.
    pub kind: ItemKind,
    /// When.
    pub at: Option<Timestamp>,
    /// The place in the text, on one line.
    pub snippet: String,
    /// Ranges of the snippet in UTF-16 units that the query's words stand at.
    pub highlights: Vec<(usize, usize)>,
    /// The higher the better; to be compared within one answer only.
    pub score: f32,
}

impl SearchAnswer {
    /// Makes one of what the index found.
    pub fn of(found: Searched, meaning: Vec<Meaning>) -> Self {
        SearchAnswer {
            hits: found.hits.into_iter().map(SearchHit::from).collect(),
            total: found.total,
            complete: found.complete,
            notes: found.notes,
            meaning,
            facets: found.facets.unwrap_or_default(),
        }
    }
}

impl From<Hit> for SearchHit {
    fn from(hit: Hit) -> Self {
        // A browser counts in UTF-16 units.
        let units = |end: usize| hit.snippet[..end].encode_utf16().count();
        SearchHit {
            highlights: hit.highlights.iter().map(|(from, to)| (units(*from), units(*to))).collect(),
            session: hit.session,
            key: hit.key.to_string(),
            seq: hit.seq,
            kind: hit.kind,
            at: hit.at,
            snippet: hit.snippet,
            score: hit.score,
        }
    }
}

/// What was found where.
#[derive(Debug, Serialize, ToSchema)]
pub struct SourcesAnswer {
    /// What each agent's files came to.
    pub sources: Vec<SourceReport>,
    /// Where agents' sessions are looked for.
    pub places: Vec<LookedFor>,
}

/// A place where an agent's sessions are looked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct LookedFor {
    /// The agent.
    pub source: Source,
    /// Its name.
    pub name: String,
    /// The directory.
    pub path: String,
    /// It is there.
    pub exists: bool,
}

/// What is wrong or about to be.
#[derive(Debug, Serialize, ToSchema)]
pub struct DoctorAnswer {
    /// What is wrong, and what to do.
    pub findings: Vec<Finding>,
    /// What agents are about to delete.
    pub retention: Vec<Retention>,
}

/// How long an agent keeps sessions.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Retention {
    /// The agent.
    pub source: Source,
    /// Days after which it deletes them.
    pub days: u64,
    /// Sessions that will be gone within seven days.
    pub sessions_at_risk: u64,
}

/// What the server is and does.
#[derive(Debug, Serialize, ToSchema)]
pub struct Status {
    /// Marline's version.
    pub version: String,
    /// It shows bundled sessions.
    pub demo: bool,
    /// How many sessions there are.
    pub sessions: u64,
    /// What is being indexed.
    pub indexing: Indexing,
    /// Which catalogue this is; another one was made anew.
    pub epoch: String,
    /// How many commits it has seen; what changed since is told by the event stream after `epoch.revision`.
    pub revision: i64,
    /// What the device may do that asks.
    pub scopes: Vec<Scope>,
    /// Its id; none: the owner's own program.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub device: Option<String>,
}

/// How far indexing is.
#[derive(Debug, Clone, Serialize, PartialEq, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Indexing {
    /// What is being done.
    pub phase: Phase,
    /// Bytes done in this phase.
    pub bytes: u64,
    /// Of so many.
    pub of_bytes: u64,
    /// The rate.
    pub bytes_per_second: Option<u64>,
    /// At this rate.
    pub seconds_left: Option<u64>,
    /// Why the index could not be brought up to date, in words.
    pub problem: Option<String>,
}

/// What indexing is at.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Everything is up to date.
    Idle,
    /// Prompts and answers are being read.
    Messages,
    /// They can be found; all other texts are being indexed.
    Texts,
}

/// What the event stream tells.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum LiveEvent {
    /// Something of a session changed.
    Session {
        /// How far the client has read with this event.
        id: String,
        /// The session as it is now.
        session: Box<Session>,
        /// How many items it has of its own.
        items: u64,
        /// Items that were there before may differ.
        rewritten: bool,
    },
    /// Indexing goes on.
    Progress {
        /// How far the client has read with this event.
        id: String,
        /// How far it is.
        indexing: Indexing,
    },
    /// Something of groups, queues, runs or approvals changed.
    Work {
        /// How far the client has read with this event.
        id: String,
    },
    /// An agent came or went, or stands otherwise than before.
    Live {
        /// How far the client has read with this event.
        id: String,
    },
    /// A device came or went, or may do something else than before.
    Access {
        /// How far the client has read with this event.
        id: String,
    },
    /// What was missed can't be told: everything should be read again.
    Reset {
        /// From where the stream goes on.
        id: String,
    },
}

/// A device that has access.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeviceAnswer {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// When it got access.
    pub created_at: Timestamp,
    /// When it was last here, to some minutes.
    pub last_seen_at: Timestamp,
    /// It is the one that asks.
    pub current: bool,
    /// It is told of what happens while it is not looked at.
    pub notified: bool,
}

/// Devices that have access, and how others get it.
#[derive(Debug, Serialize, ToSchema)]
pub struct DevicesAnswer {
    /// The devices, the last seen first.
    pub devices: Vec<DeviceAnswer>,
    /// Where devices elsewhere reach this board, the best first.
    pub ways: Vec<String>,
    /// The SHA-256 of the certificate of Marline's own authority, which other devices must trust; `/ca.crt` has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub authority: Option<String>,
}

/// What the device gets that opens a link.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LinkRequest {
    /// The largest thing that it may do, with all smaller ones; without it everything.
    #[serde(default)]
    pub scope: Option<Scope>,
    /// What it is called; without it, as its browser calls itself.
    #[serde(default)]
    pub name: Option<String>,
    /// Where it reaches this board, if not by the first of `ways`: scheme, host and port.
    #[serde(default)]
    pub url: Option<String>,
}

/// What is changed of a device.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DeviceRequest {
    /// What it is called.
    #[serde(default)]
    pub name: Option<String>,
    /// What it may do.
    #[serde(default)]
    pub scopes: Option<Vec<Scope>>,
}

/// A link that gives access once.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LinkAnswer {
    /// The link.
    pub url: String,
    /// Until when.
    pub expires_at: Timestamp,
    /// What it lets do.
    pub scopes: Vec<Scope>,
    /// The same as a QR code.
    pub qr_svg: String,
    /// It leads here from other machines, too.
    pub reachable: bool,
    /// Where devices elsewhere reach this board.
    pub ways: Vec<String>,
}
