//! The acts: each makes a plan, which [`Acts::carry_out`] does.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use marline_agents::codex::config::Config;
use marline_agents::{Env, registry};
use marline_index::{Finding, Overlaid, Overlay};
use marline_model::{SessionId, Source, ThreadId, Timestamp};
use marline_store::{LocalThreadStore, PageOf, ThreadStore as _};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::in_use::user_of;
use crate::launch::find_program;
use crate::live::too_old;
use crate::opencode::{self, Column};
use crate::surgery::Copy;
use crate::{ActError, Entry, Journal, Outcome, Plan, Step, Target};

/// What acts must be told of the world.
#[derive(Debug, Clone)]
pub struct Places {
    /// Where agents keep their sessions.
    pub env: Env,
    /// Where Marline keeps what can't be made again.
    pub state: PathBuf,
    /// Where a person's own settings of Marline stand.
    pub config: PathBuf,
    /// `secret-tool`, where it is there: it speaks to the system's keyring.
    pub keyring: Option<PathBuf>,
    /// The clock.
    pub now: fn() -> Timestamp,
    /// A good source of random bytes.
    pub random: fn() -> [u8; 16],
    /// Seconds east of UTC.
    pub utc_offset_seconds: i64,
}

/// Where a fork leaves its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fork {
    /// At its end.
    Head,
    /// Before the record that stands at this byte of a file: a prompt of the person's.
    Before {
        /// The file.
        file: PathBuf,
        /// The byte.
        offset: u64,
    },
}

/// Makes plans of acts, and does them.
pub struct Acts {
    pub(crate) places: Places,
}

impl Acts {
    /// Acts in some places.
    pub fn new(places: Places) -> Self {
        Acts { places }
    }

    pub(crate) fn codex(&self) -> marline_store::Places {
        let env = &self.places.env;
        let home = registry::agent(Source::Codex).map(|agent| agent.home(env)).unwrap_or_default();
        marline_store::Places {
            databases: env.var("CODEX_SQLITE_HOME").map_or_else(|| home.clone(), PathBuf::from),
            home,
            default_provider: None,
            utc_offset_seconds: self.places.utc_offset_seconds,
            now: self.places.now,
        }
    }

    fn store(&self) -> LocalThreadStore {
        LocalThreadStore::new(self.codex())
    }

    /// Asks again under which provider a session is, just before its agent is started: lists may be older than that. Codex
    /// refuses any other than that of its row, or of the header where there is no row. The one that is set goes without saying: a
    /// terminal that is told of one has no part in Codex' daemon, which may hold the thread still. Source: 0.169.
    pub fn as_it_is(&self, mut target: Target) -> Target {
        if let Ok(thread) = Self::thread(&target)
            && target.source() == Source::Codex
            && let Ok(stored) = self.store().read_thread(&thread)
        {
            let set = Config::read(&self.codex().home);
            target.provider = stored.metadata.model_provider.filter(|own| !set.begins_with(own));
        }
        target
    }

    /// Does a plan.
    ///
    /// # Errors
    /// [`ActError::InUse`]; those of its steps. What was begun is taken back.
    pub fn carry_out(&self, target: &Target, plan: Plan) -> Result<Entry, ActError> {
        self.check(target, &plan)?;
        let journal = Journal::open(&self.places.state, self.codex())?;
        let entry = journal.carry_out(plan, (self.places.now)())?;
        if entry.outcome == Outcome::Final {
            self.forget(&journal, &entry.plan.deletes())?;
        }
        Ok(entry)
    }

    /// Forgets what was said of sessions that are gone for good.
    fn forget(&self, journal: &Journal, sessions: &[SessionId]) -> Result<(), ActError> {
        journal.forget(sessions)?;
        let mut overlay = self.overlaid()?;
        let told: Vec<&SessionId> =
            sessions.iter().filter(|session| overlay.of(session) != Overlaid::default()).collect();
        if told.is_empty() {
            return Ok(());
        }
        told.into_iter().for_each(|session| overlay.set(session.clone(), Overlaid::default()));
        overlay.write(&self.places.state).map_err(ActError::file(&self.places.state))
    }

    /// Takes an act back: the last one on a session, or the one of a number.
    ///
    /// # Errors
    /// Those of [`Journal::find`] and [`Journal::take_back`]; [`ActError::InUse`].
    pub fn undo(&self, number: Option<u64>) -> Result<Entry, ActError> {
        let journal = Journal::open(&self.places.state, self.codex())?;
        // What was cut off is the last act: it is taken back, and no other with it.
        let is_meant = |entry: &&Entry| number.is_none_or(|number| entry.number == number);
        if let Some(entry) = journal.recovered.iter().find(is_meant) {
            return Ok(entry.clone());
        }
        let entry = journal.find(number)?;
        let plan = &entry.plan;
        if plan.act == "provider" {
            return self.switch_back(&journal, entry);
        }
        if let Some(session) = plan.makes.as_ref().or(plan.session.as_ref()) {
            self.free(session, &plan.file)?;
        }
        journal.take_back(entry)
    }

    /// Says whether a plan can be done now.
    ///
    /// # Errors
    /// [`ActError::InUse`]
    pub fn check(&self, target: &Target, plan: &Plan) -> Result<(), ActError> {
        // Whatever makes a new session reads its origin and leaves it alone.
        if plan.makes.is_some() {
            return Ok(());
        }
        self.free(&target.id, &target.file)
    }

    fn free(&self, session: &SessionId, file: &Path) -> Result<(), ActError> {
        match user_of(session, file, &self.places.env) {
            Some(by) => Err(ActError::InUse { session: session.to_string(), by }),
            None => Ok(()),
        }
    }

    /// A directory for what an act lays aside.
    pub(crate) fn aside(&self) -> PathBuf {
        let name: String = (self.places.random)().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        self.places.state.join("acts/aside").join(name)
    }

    fn plan(target: &Target, act: &str, says: String, steps: Vec<Step>) -> Plan {
        let is_ours = steps.iter().all(|step| matches!(step, Step::Overlay { .. }));
        Plan {
            act: act.to_owned(),
            session: Some(target.id.clone()),
            says,
            shown_by: (!is_ours).then(|| target.agent().name().to_owned()),
            makes: None,
            file: target.file.clone(),
            discards: None,
            synced: None,
            steps,
        }
    }

    pub(crate) fn new_thread(&self) -> ThreadId {
        let mut tail = [0; 10];
        tail.copy_from_slice(&(self.places.random)()[..10]);
        ThreadId::new((self.places.now)(), tail)
    }

    /// A new UUID of version 4.
    pub fn uuid(&self) -> String {
        let mut bytes = (self.places.random)();
        bytes[6] = 0x40 | (bytes[6] & 0x0f);
        bytes[8] = 0x80 | (bytes[8] & 0x3f);
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
    }

    /// A new id of a session of OpenCode: the newest come first, so the time is turned round. Source: 1.18.
    fn opencode_id(&self) -> String {
        let now = (self.places.now)().as_millis().unsigned_abs();
        let time = !(now << 12) & 0xffff_ffff_ffff;
        let tail: String = (self.places.random)().iter().take(7).map(|byte| format!("{byte:02x}")).collect();
        format!("ses_{time:012x}{tail}")
    }

    fn thread(target: &Target) -> Result<ThreadId, ActError> {
        target.id.raw().parse().map_err(|_| ActError::invalid(format!("{} is no thread of Codex", target.id)))
    }

    /// Gives a session another name, in its agent's own way where it has one.
    ///
    /// # Errors
    /// [`ActError::Invalid`] for a name that is none.
    pub fn rename(&self, target: &Target, name: &str) -> Result<Plan, ActError> {
        const LONGEST: usize = 1000;
        let name = name.trim();
        if name.is_empty() || name.chars().any(char::is_control) || name.chars().count() > LONGEST {
            return Err(ActError::invalid(format!(
                "a name is one line of at most {LONGEST} characters, without control characters"
            )));
        }
        let step = match target.source() {
            Source::Claude => {
                let id = target.id.raw();
                let title = json!({"type": "custom-title", "customTitle": name, "sessionId": id});
                let agent = json!({"type": "agent-name", "agentName": name, "sessionId": id});
                append(&target.file, format!("{title}\n{agent}\n"))?
            }
            Source::Codex => {
                let thread = Self::thread(target)?;
                let old = self.store().read_thread(&thread)?.metadata.name;
                Step::CodexName { thread, old, new: Some(name.to_owned()) }
            }
            Source::OpenCode if is_database(target) => self.opencode(target, Column::Title, name.into())?,
            Source::OpenCode => self.overlay(target, |said| said.title = Some(name.to_owned()))?,
            Source::Qwen => self.qwen_title(target, name)?,
            // What `/resume` lists it by. Older releases write the whole file anew.
            Source::Gemini if target.file.extension().is_some_and(|ending| ending == "jsonl") => {
                append(&target.file, format!("{}\n", json!({"$set": {"summary": name}})))?
            }
            Source::Gemini => self.overlay(target, |said| said.title = Some(name.to_owned()))?,
        };
        Ok(Self::plan(target, "rename", format!("{} is called “{name}”", target.id), vec![step]))
    }

    /// Says something of a session whose agent can't keep it.
    fn overlay(&self, target: &Target, change: impl FnOnce(&mut Overlaid)) -> Result<Step, ActError> {
        let old = self.overlaid()?.of(&target.id);
        let mut new = old.clone();
        change(&mut new);
        Ok(Step::Overlay { dir: self.places.state.clone(), session: target.id.clone(), old, new })
    }

    /// Finds what is wrong with what Marline works with: Codex' store, hooks, and tmux on `path`.
    ///
    /// # Errors
    /// [`ActError::Failed`] when an agent's home can't be read.
    pub fn findings(&self, path: &OsStr) -> Result<Vec<Finding>, ActError> {
        let mut found = self.codex_findings()?;
        found.extend(self.hook_status().unwrap_or_default().into_iter().filter_map(|status| {
            let gone = status.gone?;
            Some(Finding {
                problem: format!(
                    "{}: its hooks call {gone}, which is gone: it tells nothing.",
                    status.source
                ),
                cure: format!("Install them again: marline hooks install --agent {}", status.source),
            })
        }));
        let lacks = match find_program("tmux", path) {
            None => Some("There is no tmux on the path".to_owned()),
            Some(tmux) => too_old(&tmux),
        };
        found.extend(lacks.map(|lacks| Finding {
            problem: format!("{lacks}: agents in terminals can be seen, and neither opened nor answered."),
            cure: "Install tmux 3.0 or newer.".to_owned(),
        }));
        Ok(found)
    }

    /// Says why Codex' threads are listed by their files instead of its database, if they are.
    pub fn codex_doubt(&self) -> Option<Finding> {
        let codex = self.codex();
        // Where there is no Codex, nothing is in doubt.
        if !codex.home.join("sessions").is_dir() {
            return None;
        }
        let store = self.store();
        // Nor is it where none was made yet: nothing could be done about it.
        let doubt = store.doubt().filter(|_| !store.lacks_database())?;
        Some(Finding {
            problem: format!("Codex: its database can't be asked: {doubt}."),
            cure: "Nothing needs to be done: its files are read instead, which takes longer.".to_owned(),
        })
    }

    /// What Marline alone says of sessions.
    ///
    /// # Errors
    /// [`ActError::Failed`] when it can't be read.
    pub fn overlaid(&self) -> Result<Overlay, ActError> {
        Overlay::read(&self.places.state).map_err(ActError::file(&self.places.state))
    }

    fn opencode(&self, target: &Target, column: Column, new: Value) -> Result<Step, ActError> {
        let (database, session) = (database(target)?, target.id.raw().to_owned());
        let old = opencode::get(&database, &session, column)?;
        Ok(Step::OpenCodeSet { database, session, column, old, new })
    }

    /// Qwen Code's `/rename`: a record behind the last one. Source: 0.24.
    fn qwen_title(&self, target: &Target, name: &str) -> Result<Step, ActError> {
        let last = last_uuid(&target.file).map_err(ActError::file(&target.file))?;
        let last =
            last.ok_or_else(|| ActError::changed(format!("{} has no record", target.file.display())))?;
        let uuid = self.uuid();
        let record = json!({
            "uuid": uuid, "parentUuid": last, "sessionId": target.id.raw(), "timestamp": (self.places.now)(),
            "type": "system", "subtype": "custom_title", "cwd": target.cwd, "systemPayload": {"customTitle": name},
        });
        append(&target.file, format!("{record}\n"))
    }

    /// Puts a session away, or takes it back, in its agent's own way where it has one.
    ///
    /// # Errors
    /// [`ActError::Changed`] when it is there already.
    pub fn archive(&self, target: &Target, away: bool) -> Result<Plan, ActError> {
        let at = (self.places.now)();
        let is_already = || {
            let how = if away { "archived already" } else { "not archived" };
            Err(ActError::changed(format!("{} is {how}", target.id)))
        };
        let steps = match target.source() {
            Source::Codex => {
                // As Codex does: its sub-agents go and come with it.
                let (store, own) = (self.store(), Self::thread(target)?);
                let is_there =
                    |thread: &ThreadId| store.read_thread(thread).map(|it| it.archived_at.is_some() == away);
                if is_there(&own)? {
                    return is_already();
                }
                let family = store.family(&own)?.into_iter().rev();
                family
                    .filter(|thread| !is_there(thread).unwrap_or(true))
                    .map(|thread| Step::CodexArchive { thread, away, at })
                    .collect()
            }
            Source::OpenCode if is_database(target) => {
                let new = if away { at.as_millis().into() } else { Value::Null };
                let step = self.opencode(target, Column::TimeArchived, new)?;
                if matches!(&step, Step::OpenCodeSet { old, .. } if old.is_null() != away) {
                    return is_already();
                }
                vec![step]
            }
            _ if self.overlaid()?.of(&target.id).archived == away => return is_already(),
            _ => vec![self.overlay(target, |said| said.archived = away)?],
        };
        let (act, says) =
            if away { ("archive", "is put away") } else { ("unarchive", "is among the others again") };
        Ok(Self::plan(target, act, format!("{} {says}", target.id), steps))
    }

    /// Deletes a session; what is deleted is laid aside, so that it can be taken back, unless it is meant for good.
    ///
    /// # Errors
    /// Those of reading it.
    pub fn delete(&self, target: &Target, for_good: bool) -> Result<Plan, ActError> {
        let aside = self.aside();
        let mut steps: Vec<Step> = match target.source() {
            Source::Codex => {
                let store = self.store();
                // As Codex does: with its sub-agents, and none that another thread goes on from.
                let family = store.family(&Self::thread(target)?)?;
                if let Some((heir, origin)) = store.heir(&family)? {
                    return Err(ActError::Changed {
                        message: format!("thread {heir} inherits from {origin}"),
                        hint: Some(format!("Delete that one first: marline delete codex:{heir}")),
                    });
                }
                family
                    .into_iter()
                    .map(|thread| self.codex_delete(&store, thread, &aside))
                    .collect::<Result<_, _>>()?
            }
            Source::OpenCode => {
                let database = database(target)?;
                let sessions = opencode::family(&database, target.id.raw())?;
                vec![Step::OpenCodeDelete { database, sessions, rows: aside.join("rows.json") }]
            }
            Source::Claude | Source::Gemini | Source::Qwen => {
                let beside = target.file.with_extension("");
                let mut paths = vec![target.file.clone()];
                // Claude Code keeps sub-agents' sessions in a folder of the session's name.
                paths.extend(
                    Some(beside).filter(|folder| target.source() == Source::Claude && folder.is_dir()),
                );
                let moved = paths.into_iter().map(|from| {
                    let to = aside.join(from.file_name().unwrap_or_default());
                    Step::Move { from, to }
                });
                moved.collect()
            }
        };
        if !for_good {
            // What is kept of it is found, and in nobody's way.
            steps.push(self.overlay(target, |said| said.archived = true)?);
        }
        let says = format!("{} is deleted{}", target.id, if for_good { " for good" } else { "" });
        let discards = for_good.then_some(aside);
        Ok(Plan { discards, ..Self::plan(target, "delete", says, steps) })
    }

    fn codex_delete(
        &self,
        store: &LocalThreadStore,
        thread: ThreadId,
        aside: &Path,
    ) -> Result<Step, ActError> {
        let metadata = Box::new(store.read_thread(&thread)?.metadata);
        let aside = aside.join(thread.as_str());
        let files = store.files(&thread)?.into_iter().enumerate().map(|(n, file)| {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            (file, aside.join(format!("{n}-{name}")))
        });
        Ok(Step::CodexDelete {
            files: files.collect(),
            metadata,
            rows: Some(aside.join("rows.json")),
            thread,
        })
    }

    /// Makes a new session that goes on from one, at its end or from before a prompt. The origin is left alone.
    ///
    /// # Errors
    /// [`ActError::Unsupported`]
    pub fn fork(&self, target: &Target, at: &Fork) -> Result<Plan, ActError> {
        let (new, file, step) = match target.source() {
            Source::Codex => {
                let (origin, thread) = (Self::thread(target)?, self.new_thread());
                let before = self.codex_turn(&origin, at)?;
                (
                    thread.to_string(),
                    PathBuf::new(),
                    Step::CodexFork { thread, origin, before, provider: None },
                )
            }
            Source::Gemini if target.file.extension().is_none_or(|ending| ending != "jsonl") => {
                return Err(
                    target.unsupported("of that age writes its sessions anew each time; they are not copied")
                );
            }
            Source::Claude | Source::Qwen | Source::Gemini => {
                let until = match at {
                    Fork::Head => None,
                    Fork::Before { file, offset } if *file == target.file => Some(*offset),
                    Fork::Before { file, .. } => {
                        return Err(ActError::invalid(format!(
                            "{} is not the session's own file",
                            file.display()
                        )));
                    }
                };
                let new = self.uuid();
                let planned = Copy::plan(&target.file, until, target.id.raw(), &new);
                let (copy, sum) = planned.map_err(ActError::file(&target.file))?;
                if sum.length == 0 {
                    return Err(ActError::invalid(NOTHING_BEFORE));
                }
                let path = target.file.with_file_name(match target.source() {
                    Source::Gemini => gemini_name(&target.file, &new),
                    _ => format!("{new}.jsonl"),
                });
                (new, path.clone(), Step::CopyTranscript { copy, path, sum })
            }
            Source::OpenCode => {
                let database = database(target)?;
                let before = match at {
                    Fork::Head => None,
                    Fork::Before { offset, .. } => {
                        Some(opencode::message_of(&database, target.id.raw(), *offset)?)
                    }
                };
                let new = self.opencode_id();
                let fork = opencode::Fork { origin: target.id.raw().to_owned(), before, new: new.clone() };
                (new, database.clone(), Step::OpenCodeFork { database, fork })
            }
        };
        let makes =
            SessionId::new(target.source(), &new).map_err(|error| ActError::invalid(error.to_string()))?;
        let from = if *at == Fork::Head { "from its end" } else { "from before that prompt" };
        let says = format!("{makes} goes on {from}; {} is left alone", target.id);
        Ok(Plan { makes: Some(makes), file, ..Self::plan(target, "fork", says, vec![step]) })
    }

    /// The first record of the turn that a fork leaves out.
    fn codex_turn(&self, origin: &ThreadId, at: &Fork) -> Result<Option<u64>, ActError> {
        let Fork::Before { file, offset } = at else { return Ok(None) };
        let store = self.store();
        let ordinal = store.ordinal_at(origin, file, *offset)?;
        let turns = store.list_turns(origin, PageOf::first(usize::MAX))?.turns;
        match turns.iter().rposition(|turn| turn.from <= ordinal) {
            None if turns.is_empty() => Ok(Some(ordinal)),
            Some(n @ 1..) => Ok(Some(turns[n].from)),
            _ => Err(ActError::invalid(NOTHING_BEFORE)),
        }
    }
}

const NOTHING_BEFORE: &str = "there is nothing before that prompt";

/// A step that puts lines behind a file, on lines of their own.
fn append(path: &Path, text: String) -> Result<Step, ActError> {
    let look = || -> io::Result<(u64, SystemTime, bool)> {
        let mut file = File::open(path)?;
        let facts = file.metadata()?;
        let length = facts.len();
        let mut last = [b'\n'];
        if length > 0 {
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
        }
        Ok((length, facts.modified()?, last == *b"\n"))
    };
    let (before, modified, has_end) = look().map_err(ActError::file(path))?;
    let text = if has_end { text } else { format!("\n{text}") };
    Ok(Step::Append { path: path.to_owned(), before, modified: Some(modified), text })
}

/// The `uuid` of the last record that has one.
fn last_uuid(path: &Path) -> io::Result<Option<String>> {
    #[derive(Deserialize)]
    struct Record {
        uuid: String,
    }
    let mut last = None;
    for line in BufReader::new(File::open(path)?).split(b'\n') {
        last = serde_json::from_slice::<Record>(&line?).ok().map(|record| record.uuid).or(last);
    }
    Ok(last)
}

/// `session-2026-11-21T04-15-<8 digits of the id>.jsonl`
fn gemini_name(origin: &Path, id: &str) -> String {
    let name = origin.file_stem().unwrap_or_default().to_string_lossy();
    let begun = name.rsplit_once('-').map_or(&*name, |(begun, _)| begun);
    format!("{begun}-{}.jsonl", &id[..8])
}

/// Older releases of OpenCode keep sessions in folders.
fn is_database(target: &Target) -> bool {
    target.file.extension().is_some_and(|ending| ending == "db")
}

fn database(target: &Target) -> Result<PathBuf, ActError> {
    if is_database(target) {
        return Ok(target.file.clone());
    }
    Err(target.unsupported("of that age keeps sessions in folders, which are not written"))
}
