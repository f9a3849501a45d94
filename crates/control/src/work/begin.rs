//! Beginning a prompt: claimed, given a place, handed to an agent.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use marline_agents::talk::{Begin, Order};
use marline_index::IndexError;
use marline_model::Source;
use marline_store::work::{Change, Mode, Place, Status, Task, WorkError, WorkEvent};

use super::engine::{Active, Engine, HANDED, later, note};
use super::job::Job;
use crate::launch::Started;
use crate::talk::Carried;
use crate::{ActError, Target, chain, user_of};

/// A session that another prompt of ours is said in is tried again so much later.
const RETRY: Duration = Duration::from_secs(1);

impl Engine {
    /// The directory that a prompt's session works in, as the file system names it.
    pub(super) fn place_of(&self, task: &Task) -> Option<PathBuf> {
        let known = task.session.as_ref().filter(|_| !task.is_new).and_then(|id| {
            let session = self.transcripts.as_ref()?.index().session_by_id(id).ok()?;
            session.cwd.map(PathBuf::from)
        });
        let place = known.or_else(|| task.cwd.clone().map(PathBuf::from))?;
        Some(place.canonicalize().unwrap_or(place))
    }

    /// Claims a prompt and has an agent started on it.
    pub(super) fn begin(&mut self, active: &mut Active, mut task: Task) -> Result<(), WorkError> {
        if let Some(queue) = active.queue.as_ref().filter(|queue| queue.mode == Mode::Continue)
            && let Some(session) = &queue.session
        {
            task.session = Some(session.clone());
            task.is_new = false;
        } else if active.run.is_queue && task.session.is_none() {
            task.is_new = true;
        }
        if !task.is_new && self.is_unwritten(active, &task)? {
            task.prompt = self.prompt_anew(&active.run, &task)?;
            (task.session, task.is_new) = (None, true);
        }
        if task.session.is_some() && self.is_ours(&task) {
            // Another prompt is said in its session: it has its turn after that.
            task.not_before = Some(later(self.now(), RETRY));
            note(&mut active.tasks, &task);
            return Ok(());
        }
        task.status = Status::Claimed;
        task.claim = Some(self.claim());
        task.attempt += 1;
        task.heard = 0;
        task.run = Some(active.run.id.clone());
        task.not_before = None;
        task.why = None;
        task.completed_at = None;
        if task.is_new && !task.goes_on {
            task.session = None;
        }
        task.items_before = match (&task.session, &self.transcripts) {
            (Some(session), Some(transcripts)) => transcripts.index().item_count(session).unwrap_or(0),
            _ => 0,
        };
        self.store().commit(&[Change::Task(task.clone())])?;
        task.revision += 1;
        note(&mut active.tasks, &task);
        let place = self.place_of(&task).unwrap_or_default();
        let mut job = Job::new(task.clone(), self.dir_of(&task), place);
        match self.make_place(active, &mut job) {
            Ok(Some(child)) => job = job.preparing(child),
            Ok(None) => self.start(active, &mut job),
            Err(why) => job.fail(why),
        }
        active.jobs.push(job);
        Ok(())
    }

    /// Says whether a prompt's session is one that its list began, and that came to nothing: its agent had named it, and was
    /// gone before it wrote anything down.
    fn is_unwritten(&self, active: &Active, task: &Task) -> Result<bool, WorkError> {
        let (Some(session), Some(transcripts)) = (&task.session, &self.transcripts) else { return Ok(false) };
        if !matches!(transcripts.index().session_by_id(session), Err(IndexError::NotFound(_))) {
            return Ok(false);
        }
        let began_it = |one: &Task| one.is_new && one.session == task.session;
        Ok(active.tasks.iter().any(began_it) || self.is_reviewer(&active.run, session)?)
    }

    /// Makes the directory of a prompt that is to have one of its own.
    pub(super) fn make_place(&self, active: &Active, job: &mut Job) -> Result<Option<Child>, String> {
        let task = &mut job.task;
        if active.run.place == Place::Own || active.run.place == Place::Shared {
            return Ok(None);
        }
        let name = format!("{}-{}-{}", plain_name(&active.run.name), active.run.number, task.number);
        let from = job.place.clone();
        if !from.is_dir() {
            return Err(format!("the directory {} is gone", from.display()));
        }
        if active.run.place == Place::Directory {
            if task.is_new && !from.ends_with(&name) {
                let own = from.join(&name);
                fs::create_dir_all(&own).map_err(|error| format!("{}: {error}", own.display()))?;
                task.cwd = Some(own.display().to_string());
                job.place = own;
            }
            return Ok(None);
        }
        // No worktree for an agent that is not there.
        Started::check(task.source, &self.means.path).map_err(|error| error.to_string())?;
        let own = self.means.dir.join("worktrees").join(&name);
        task.cwd = Some(own.display().to_string());
        job.place = own.clone();
        job.log.push(WorkEvent::Note { text: format!("works in {}", own.display()) });
        if own.exists() {
            // Its own of an attempt before; else somebody else's.
            let is_own = job.task.attempt > 1;
            return is_own.then_some(None).ok_or_else(|| format!("{} is there already", own.display()));
        }
        let err = self.means.dir.join("worktrees");
        fs::create_dir_all(&err).map_err(|error| format!("{}: {error}", err.display()))?;
        let mut git = Command::new("git");
        git.arg("-C")
            .arg(&from)
            .args(["worktree", "add", "--quiet", "-b", &format!("marline/{name}")])
            .arg(&own);
        git.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).env("GIT_TERMINAL_PROMPT", "0");
        git.spawn().map(Some).map_err(|error| format!("git could not be started: {error}"))
    }

    /// Starts the agent of a job; what is in the way is what came of it.
    pub(super) fn start(&mut self, active: &mut Active, job: &mut Job) {
        let order = match self.order(active, job) {
            Ok(Some(order)) => order,
            // It was handed to an agent that has the session open.
            Ok(None) => return,
            Err(error) => return job.fail(chain(&error)),
        };
        let talk = Carried::begin(&job.dir, job.task.source, &order, &self.means.marline, &self.means.path);
        match talk {
            Ok(talk) => {
                job.begin(talk);
                job.task.status = Status::Running;
                job.task.started_at = job.task.started_at.or(Some(self.now()));
                job.log.push(WorkEvent::Started { attempt: job.task.attempt });
                job.is_changed = true;
            }
            Err(error) => job.fail(chain(&error)),
        }
    }

    pub(super) fn order(&self, active: &Active, job: &mut Job) -> Result<Option<Order>, ActError> {
        let options = Self::options(active);
        let task = &job.task;
        let key = self.means.acts.uuid();
        let (mut begin, mut provider) = (Begin::New { id: key.clone() }, None);
        let mut cwd = job.place.clone();
        if let Some(id) = task.session.clone() {
            let transcripts =
                self.transcripts.as_ref().ok_or_else(|| ActError::invalid("there is no index"))?;
            let session = transcripts
                .index()
                .session_by_id(&id)
                .map_err(|error| ActError::failed_to_read(&id, error))?;
            let target = self.means.acts.as_it_is(Target::of(&session)?);
            let elsewhere = (active.run.place == Place::Worktree).then_some(cwd.as_path());
            cwd = target.directory(
                elsewhere.or(task.cwd.as_deref().map(Path::new).filter(|_| session.cwd.is_none())),
            )?;
            if let Some(by) = user_of(&id, &target.file, &self.means.env) {
                return self.busy(job, &target, by).map(|()| None);
            }
            begin = Begin::Resume { session: id.raw().to_owned() };
            provider = target.provider.clone();
            job.place = cwd.clone();
        } else if !cwd.is_dir() {
            return Err(ActError::invalid(format!("the directory {} is gone", cwd.display())));
        }
        Ok(Some(Order {
            begin,
            prompt: job.told(),
            key,
            cwd,
            images: if job.task.goes_on { Vec::new() } else { job.task.images.clone() },
            provider,
            model: options.model.clone(),
            permission: options.permission,
            more: options.arguments.clone(),
            env: options.env.clone(),
            is_plain: options.is_plain,
        }))
    }

    /// Somebody has the session open. Codex takes a prompt for it all the same, and says it when its turn comes.
    pub(super) fn busy(&self, job: &mut Job, target: &Target, by: String) -> Result<(), ActError> {
        let in_use = ActError::InUse { session: target.id.to_string(), by: by.clone() };
        if target.source() != Source::Codex || !job.task.images.is_empty() {
            return Err(in_use);
        }
        let started = Started::check(Source::Codex, &self.means.path)?;
        // Noted first: an engine after this one must not hand it over again.
        let noted =
            fs::create_dir_all(&job.dir).and_then(|()| fs::write(job.dir.join(HANDED), by.as_bytes()));
        noted.map_err(ActError::file(&job.dir))?;
        let queued = Command::new(started)
            .args(["queue", "--thread", target.id.raw(), "--message", &job.told()])
            .current_dir(target.directory(None)?)
            .stdin(Stdio::null())
            .output();
        match queued {
            Ok(output) if output.status.success() => {
                job.log.push(WorkEvent::Note {
                    text: format!("{by}: Codex has put the prompt into its own queue"),
                });
                job.task.status = Status::Running;
                job.task.started_at = job.task.started_at.or(Some(self.now()));
                job.is_changed = true;
                job.hand_over();
                Ok(())
            }
            _ => Err(in_use),
        }
    }

    /// Says whether another prompt of ours is said in the same session now.
    pub(super) fn is_ours(&self, task: &Task) -> bool {
        let held = self.store().held().unwrap_or_default();
        held.iter().any(|other| other.id != task.id && other.session == task.session)
    }
}

/// A name that a directory and a branch can have.
fn plain_name(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(40).collect();
    let plain = plain.trim_matches('-').to_ascii_lowercase();
    if plain.is_empty() { "group".to_owned() } else { plain }
}
