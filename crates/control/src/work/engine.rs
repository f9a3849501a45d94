//! Works through runs: one loop over all of their agents.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use marline_agents::Env;
use marline_agents::talk::{Begin, Decision, Order};
use marline_model::{Source, ThreadId, Timestamp};
use marline_store::work::{
    Asked, Change, Claim, Counts, HalfDone, Holder, Logged, Mode, Options, Place, Queue, Run, Runs, Status,
    Task, Wish, WorkError, WorkEvent, WorkStore,
};

use super::holder::{holder, is_alive};
use super::job::{Job, Outcome};
use super::verdict::Transcripts;
use crate::launch::Started;
use crate::talk::{Carried, Found};
use crate::{ActError, Target, user_of};

/// What is claimed is claimed for so long, and claimed anew in time.
const LEASE: Duration = Duration::from_secs(20);
const RENEW: Duration = Duration::from_secs(5);
/// So often the store is read although nobody has written: times come without a word.
const REREAD: Duration = Duration::from_millis(200);
/// In the folder of a prompt that Codex has in its own queue.
const HANDED: &str = "handed";
/// A session that another prompt of ours is said in is tried again so much later.
const RETRY: Duration = Duration::from_secs(1);
/// A limit without an end, and a failure that is tried again, wait twice as long each time, up to so long.
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 60);

/// What an engine stands on.
pub struct Means {
    /// Groups, queues and runs. A connection of its own: it is asked whether others have written.
    pub store: Box<dyn WorkStore>,
    /// The index, which somebody else keeps fresh.
    pub index_dir: PathBuf,
    /// Where agents keep their sessions.
    pub env: Env,
    /// Where talks are kept while they last, and worktrees.
    pub dir: PathBuf,
    /// This program.
    pub marline: PathBuf,
    /// Where programs lie.
    pub path: OsString,
    /// The clock.
    pub now: fn() -> Timestamp,
    /// A good source of random bytes.
    pub random: fn() -> [u8; 16],
}

/// A run that this engine works at.
struct Active {
    run: Run,
    queue: Option<Queue>,
    tasks: Vec<Task>,
    jobs: Vec<Job>,
    has_failed: bool,
}

/// Works through runs.
pub struct Engine {
    means: Means,
    me: Holder,
    active: Vec<Active>,
    transcripts: Option<Transcripts>,
    seen: Option<u64>,
    read: Instant,
    renewed: Instant,
    is_stale: bool,
}

/// An error and its causes.
pub fn words(error: &dyn std::error::Error) -> String {
    let mut out = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        out += &format!(": {error}");
        cause = error.source();
    }
    out
}

fn later(now: Timestamp, wait: Duration) -> Timestamp {
    Timestamp::from_millis(now.as_millis().saturating_add(wait.as_millis() as i64))
}

/// Waits longer each time.
fn doubled(first: Duration, times: u32) -> Duration {
    first.saturating_mul(1 << times.min(10)).min(LONGEST_WAIT.max(first))
}

impl Engine {
    /// An engine that works at nothing yet.
    pub fn new(means: Means) -> Self {
        let now = Instant::now();
        Engine {
            means,
            me: holder(),
            active: Vec::new(),
            transcripts: None,
            seen: None,
            read: now,
            renewed: now,
            is_stale: true,
        }
    }

    fn now(&self) -> Timestamp {
        (self.means.now)()
    }

    /// What this engine claims with, from now on.
    pub fn claim(&self) -> Claim {
        Claim { holder: self.me.clone(), until: later(self.now(), LEASE) }
    }

    fn store(&self) -> &dyn WorkStore {
        &*self.means.store
    }

    /// The runs that it works at.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        self.active.iter().map(|active| &active.run)
    }

    /// How many agents work for it.
    pub fn agents(&self) -> usize {
        self.active.iter().map(|active| active.jobs.len()).sum()
    }

    /// Claims a run and goes on with it: agents that an engine before it started are found again.
    ///
    /// # Errors
    /// [`WorkError::Conflict`] when somebody works at it who is alive, or it is over; [`WorkError::Internal`]
    pub fn take(&mut self, id: &str) -> Result<(), WorkError> {
        let mut run = self.store().run(id)?;
        if run.ended_at.is_some() {
            return Err(WorkError::conflict(format!("run {} is over", run.number)));
        }
        if let Some(claim) = &run.claim
            && claim.holder != self.me
            && is_alive(claim, self.now())
        {
            let Holder { host, pid, .. } = &claim.holder;
            return Err(WorkError::conflict(format!("process {pid} on {host} works at {}", run.name)));
        }
        run.claim = Some(self.claim());
        self.store().commit(&[Change::Run(run.clone())])?;
        run.revision += 1;
        let queue = run.is_queue.then(|| self.store().queue(&run.list)).transpose()?;
        let list = if run.is_queue { &run.list } else { &run.id };
        let tasks = self.store().tasks(list)?;
        let mut active = Active { run, queue, tasks, jobs: Vec::new(), has_failed: false };
        let held: Vec<Task> = active.tasks.iter().filter(|task| task.status.is_held()).cloned().collect();
        for task in held {
            self.adopt(&mut active, task)?;
        }
        self.active.push(active);
        self.is_stale = true;
        Ok(())
    }

    /// Claims every run that has no end and nobody who works at it. Returns how many.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    pub fn take_orphans(&mut self) -> Result<usize, WorkError> {
        let mut taken = 0;
        for run in self.store().runs(Runs::Open)? {
            let is_held = run.claim.as_ref().is_some_and(|claim| is_alive(claim, self.now()));
            if is_held || self.active.iter().any(|active| active.run.id == run.id) {
                continue;
            }
            match self.take(&run.id) {
                Ok(()) => taken += 1,
                // Another one was faster.
                Err(WorkError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(taken)
    }

    fn dir_of(&self, task: &Task) -> PathBuf {
        self.means.dir.join("talks").join(format!("{}-{}", task.id, task.attempt))
    }

    /// Finds out what became of a prompt that somebody before was at.
    fn adopt(&self, active: &mut Active, mut task: Task) -> Result<(), WorkError> {
        let is_ours = task.claim.as_ref().is_none_or(|claim| claim.holder.host == self.me.host);
        let dir = self.dir_of(&task);
        task.claim = Some(self.claim());
        let place = task.cwd.clone().map(PathBuf::from).unwrap_or_default();
        let mut job = Job::new(task.clone(), dir.clone(), place.canonicalize().unwrap_or(place));
        job.is_changed = true;
        if !is_ours {
            job.is_adopted = true;
            job.outcome = Some(Outcome::Died("the machine that it ran on is gone".to_owned()));
            active.jobs.push(job);
            return Ok(());
        }
        if dir.join(HANDED).exists() {
            job.hand_over();
            active.jobs.push(job);
            return Ok(());
        }
        let found = if dir.exists() { Carried::find(&dir) } else { Ok(Found::NeverBegan) };
        let job = match found {
            Ok(Found::NeverBegan) => {
                // Its folder is used up: nothing will ever start in it.
                let _ = fs::remove_dir_all(&dir);
                job.is_adopted = true;
                job.outcome = Some(Outcome::NeverTaken);
                job
            }
            Ok(Found::Carried(talk)) => {
                job.log.push(WorkEvent::Adopted);
                job.adopt(*talk, false)
            }
            Ok(Found::Unsure(talk)) => {
                job.log.push(WorkEvent::Adopted);
                job.adopt(*talk, true)
            }
            Err(error) => {
                job.is_adopted = true;
                job.outcome = Some(Outcome::Died(words(&error)));
                job
            }
        };
        active.jobs.push(job);
        Ok(())
    }

    /// Does what is to be done now, without waiting. Says whether anything is left to work at.
    ///
    /// # Errors
    /// [`WorkError::Internal`]; what runs goes on, and it can be tried again.
    pub fn step(&mut self) -> Result<bool, WorkError> {
        let version = self.store().version()?;
        if self.is_stale || self.seen != Some(version) || self.read.elapsed() > REREAD {
            self.read_again()?;
            self.seen = Some(version);
            self.read = Instant::now();
            self.is_stale = false;
        }
        self.look_at_index();
        let renews = self.renewed.elapsed() > RENEW;
        if renews {
            self.renewed = Instant::now();
        }
        let mut active = std::mem::take(&mut self.active);
        let mut failed = None;
        for one in &mut active {
            if let Err(error) = self.work(one, renews) {
                failed = Some(error);
            }
        }
        self.active = active;
        self.active.retain(|one| one.run.ended_at.is_none());
        failed.map_or(Ok(!self.active.is_empty()), Err)
    }

    fn look_at_index(&mut self) {
        if self.transcripts.as_ref().is_some_and(|transcripts| !transcripts.index().is_current()) {
            self.transcripts = None;
        }
        if self.transcripts.is_none() {
            self.transcripts = Transcripts::open(&self.means.index_dir).ok();
        }
    }

    /// Reads what others have written.
    fn read_again(&mut self) -> Result<(), WorkError> {
        let mut active = std::mem::take(&mut self.active);
        let read = active.iter_mut().try_for_each(|one| {
            one.run = self.store().run(&one.run.id)?;
            if let Some(queue) = &mut one.queue {
                *queue = self.store().queue(&queue.id)?;
            }
            let list = if one.run.is_queue { &one.run.list } else { &one.run.id };
            one.tasks = self.store().tasks(list)?;
            Ok(())
        });
        self.active = active;
        read
    }

    fn work(&mut self, active: &mut Active, renews: bool) -> Result<(), WorkError> {
        let is_mine = active.run.claim.as_ref().is_some_and(|claim| claim.holder == self.me);
        if !is_mine {
            // Somebody took it over: it is theirs, with its agents.
            active.run.ended_at = Some(self.now());
            return Ok(());
        }
        for at in 0..active.jobs.len() {
            self.work_at(active, at, renews)?;
        }
        active.jobs.retain(|job| job.task.status.is_held() || job.is_changed);
        match active.run.wish {
            Wish::Run => self.fill(active)?,
            Wish::Pause => {}
            Wish::Stop => active.jobs.iter_mut().for_each(|job| job.interrupt("it was stopped")),
        }
        let counts = Counts::of(&active.tasks);
        let is_over = active.jobs.is_empty() && self.is_over(active);
        if is_over {
            return self.end(active);
        }
        if renews || counts != active.run.counts {
            let news = (counts != active.run.counts)
                .then(|| self.told(&active.run, None, WorkEvent::Progress { counts }));
            let run = Run { claim: Some(self.claim()), counts, ..active.run.clone() };
            let mut changes = vec![Change::Run(run.clone())];
            changes.extend(news);
            match self.store().commit(&changes) {
                Ok(()) => active.run = Run { revision: run.revision + 1, ..run },
                // A wish was written meanwhile.
                Err(WorkError::Conflict { .. }) => self.is_stale = true,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn told(&self, run: &Run, task: Option<&Task>, event: WorkEvent) -> Change {
        Change::Event(Logged {
            seq: 0,
            run: run.id.clone(),
            task: task.map(|task| task.id.clone()),
            at: self.now(),
            event,
        })
    }

    /// Nothing runs; says whether nothing will.
    fn is_over(&self, active: &Active) -> bool {
        let stops = active.queue.as_ref().is_some_and(|queue| queue.stops_on_failure) && active.has_failed;
        match active.run.wish {
            Wish::Stop => true,
            Wish::Pause => false,
            Wish::Run => stops || !active.tasks.iter().any(|task| self.will_run(task, &active.tasks)),
        }
    }

    /// Says whether a prompt will have its turn without a person's doing.
    fn will_run(&self, task: &Task, all: &[Task]) -> bool {
        let is_after = |id: &String| {
            let before = all.iter().find(|task| task.id == *id);
            before.is_none_or(|before| before.status == Status::Completed || self.will_run(before, all))
        };
        task.status == Status::Pending && !task.is_manual && task.after.as_ref().is_none_or(is_after)
    }

    fn end(&mut self, active: &mut Active) -> Result<(), WorkError> {
        let mut changes = Vec::new();
        if !active.run.is_queue {
            for task in active.tasks.iter_mut().filter(|task| task.status == Status::Pending) {
                task.status = Status::Cancelled;
                task.completed_at = Some(self.now());
                changes.push(Change::Task(task.clone()));
                changes.push(self.told(&active.run, Some(task), WorkEvent::Cancelled));
            }
        }
        let counts = Counts::of(&active.tasks);
        let run = Run { counts, claim: None, ended_at: Some(self.now()), ..active.run.clone() };
        changes.push(Change::Run(run.clone()));
        changes.push(self.told(&run, None, WorkEvent::Ended { counts }));
        match self.store().commit(&changes) {
            Ok(()) => active.run = run,
            // Somebody added a prompt, or wishes something else.
            Err(WorkError::Conflict { .. }) => self.is_stale = true,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Begins as many prompts as there is room for.
    fn fill(&mut self, active: &mut Active) -> Result<(), WorkError> {
        if active.has_failed && active.queue.as_ref().is_some_and(|queue| queue.stops_on_failure) {
            return Ok(());
        }
        while active.jobs.len() < active.run.max_concurrency {
            let Some(task) = self.next(active) else { return Ok(()) };
            match self.begin(active, task) {
                Ok(()) => {}
                Err(WorkError::Conflict { .. }) => {
                    self.is_stale = true;
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The prompt whose turn it is.
    fn next(&self, active: &Active) -> Option<Task> {
        let now = self.now().as_millis();
        let is_due = |task: &&Task| task.not_before.is_none_or(|at| at.as_millis() <= now);
        let mut waiting = active.tasks.iter().filter(|task| self.will_run(task, &active.tasks));
        if active.run.is_queue {
            // In order: one that waits for a limit keeps those behind it waiting.
            let is_ready = |task: &&Task| {
                let before = task.after.as_ref().and_then(|id| active.tasks.iter().find(|one| one.id == *id));
                before.is_none_or(|before| before.status == Status::Completed)
            };
            return waiting.find(is_ready).filter(is_due).cloned();
        }
        let is_free = |task: &&Task| {
            active.run.place != Place::Own
                || self.place_of(task).is_none_or(|place| !active.jobs.iter().any(|job| job.place == place))
        };
        waiting.filter(is_due).find(is_free).cloned()
    }

    /// The directory that a prompt's session works in, as the file system names it.
    fn place_of(&self, task: &Task) -> Option<PathBuf> {
        let known = task.session.as_ref().filter(|_| !task.is_new).and_then(|id| {
            let session = self.transcripts.as_ref()?.index().session_by_id(id).ok()?;
            session.cwd.map(PathBuf::from)
        });
        let place = known.or_else(|| task.cwd.clone().map(PathBuf::from))?;
        Some(place.canonicalize().unwrap_or(place))
    }

    fn options(active: &Active) -> &Options {
        active.queue.as_ref().map_or(&active.run.options, |queue| &queue.options)
    }

    /// Claims a prompt and has an agent started on it.
    fn begin(&mut self, active: &mut Active, mut task: Task) -> Result<(), WorkError> {
        if let Some(queue) = active.queue.as_ref().filter(|queue| queue.mode == Mode::Continue)
            && let Some(session) = &queue.session
        {
            task.session = Some(session.clone());
            task.is_new = false;
        } else if active.run.is_queue && task.session.is_none() {
            task.is_new = true;
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

    /// Makes the directory of a prompt that is to have one of its own.
    fn make_place(&self, active: &Active, job: &mut Job) -> Result<Option<std::process::Child>, String> {
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
        let own = self.means.dir.join("worktrees").join(&name);
        task.cwd = Some(own.display().to_string());
        job.place = own.clone();
        if own.exists() {
            return Ok(None);
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
    fn start(&mut self, active: &mut Active, job: &mut Job) {
        let order = match self.order(active, job) {
            Ok(Some(order)) => order,
            // It was handed to an agent that has the session open.
            Ok(None) => return,
            Err(error) => return job.fail(words(&error)),
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
            Err(error) => job.fail(words(&error)),
        }
    }

    fn order(&self, active: &Active, job: &mut Job) -> Result<Option<Order>, ActError> {
        let options = Self::options(active);
        let task = &job.task;
        let mut random = [0; 10];
        random.copy_from_slice(&(self.means.random)()[..10]);
        let key = ThreadId::new(self.now(), random).to_string();
        let (mut begin, mut provider) = (Begin::New { id: key.clone() }, None);
        let mut cwd = job.place.clone();
        if let Some(id) = task.session.clone() {
            let transcripts =
                self.transcripts.as_ref().ok_or_else(|| ActError::invalid("there is no index"))?;
            let session = transcripts
                .index()
                .session_by_id(&id)
                .map_err(|error| ActError::failed_to_read(&id, error))?;
            let target = Target::of(&session)?;
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
    fn busy(&self, job: &mut Job, target: &Target, by: String) -> Result<(), ActError> {
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
    fn is_ours(&self, task: &Task) -> bool {
        let is_it =
            |other: &Task| other.id != task.id && other.status.is_held() && other.session == task.session;
        let open = self.store().runs(Runs::Open).unwrap_or_default();
        open.iter().any(|run| {
            let list = if run.is_queue { &run.list } else { &run.id };
            self.store().tasks(list).unwrap_or_default().iter().any(is_it)
        })
    }

    /// One step of one job, written down.
    fn work_at(&mut self, active: &mut Active, at: usize, renews: bool) -> Result<(), WorkError> {
        let options = Self::options(active).clone();
        let mut job = active.jobs.remove(at);
        match job.prepared() {
            Some(true) => self.start(active, &mut job),
            Some(false) => {
                job.fail("git could not make a worktree: is the directory in a repository?".to_owned())
            }
            None => {}
        }
        if job.outcome.is_none() && !job.is_preparing() && job.task.status.is_held() {
            job.step(self.transcripts.as_ref());
            if job.is_older(Duration::from_secs(options.timeout_seconds)) {
                job.interrupt(&format!("it took longer than {} s", options.timeout_seconds));
            }
        }
        let written = self.write(active, &mut job, renews);
        active.jobs.insert(at, job);
        written
    }

    /// Writes what is new of a job, and what came of it.
    fn write(&mut self, active: &mut Active, job: &mut Job, renews: bool) -> Result<(), WorkError> {
        self.ask(active, job)?;
        self.answer(job)?;
        if let Some(outcome) = job.outcome.take() {
            self.settle(active, job, outcome);
        }
        if !job.is_changed && job.log.is_empty() && !renews {
            return Ok(());
        }
        if job.task.status.is_held() {
            job.task.claim = Some(self.claim());
        }
        let mut changes = vec![Change::Task(job.task.clone())];
        changes.extend(job.log.iter().map(|event| self.told(&active.run, Some(&job.task), event.clone())));
        let own = changes.len();
        self.follow(active, job, &mut changes)?;
        self.is_stale |= changes.len() > own;
        match self.store().commit(&changes) {
            Ok(()) => {}
            Err(WorkError::Conflict { .. }) => {
                // Only its place can have been changed by others.
                let now = self.store().task(&job.task.id)?;
                job.task.position = now.position;
                job.task.revision = now.revision;
                changes[0] = Change::Task(job.task.clone());
                self.store().commit(&changes)?;
            }
            Err(error) => return Err(error),
        }
        // Until here all of it is kept, and tried again: the disk may be full for a while.
        job.task.revision += 1;
        job.is_changed = false;
        job.log.clear();
        note(&mut active.tasks, &job.task);
        if !job.task.status.is_held() {
            let _ = fs::remove_dir_all(&job.dir);
        }
        Ok(())
    }

    /// The session that a prompt began is the one that the queue goes on in, and the group's member.
    fn follow(&self, active: &Active, job: &Job, changes: &mut Vec<Change>) -> Result<(), WorkError> {
        let Some(session) = job.task.session.as_ref().filter(|_| job.task.is_new) else { return Ok(()) };
        if let Some(queue) = active.queue.as_ref().filter(|queue| queue.mode == Mode::Continue) {
            let mut queue = self.store().queue(&queue.id)?;
            if queue.session.is_none() {
                queue.session = Some(session.clone());
                changes.push(Change::Queue(queue));
            }
        }
        if let Some(at) = job.task.member.filter(|_| job.task.status == Status::Completed) {
            let Ok(mut group) = self.store().group(&active.run.list) else { return Ok(()) };
            if let Some(member) = group.members.get_mut(at).filter(|member| member.session.is_none()) {
                member.session = Some(session.clone());
                changes.push(Change::Group(group));
            }
        }
        Ok(())
    }

    /// Writes down what the agent asks, and what it no longer does.
    fn ask(&mut self, active: &Active, job: &mut Job) -> Result<(), WorkError> {
        while let Some(question) = job.asks.first().cloned() {
            let wait = Duration::from_secs(Self::options(active).approval_seconds);
            let asked = Asked {
                number: 0,
                run: active.run.id.clone(),
                name: active.run.name.clone(),
                task: job.task.id.clone(),
                attempt: job.task.attempt,
                source: job.task.source,
                session: job.task.session.clone(),
                question: question.clone(),
                at: self.now(),
                until: later(self.now(), wait),
                decision: None,
                by: None,
                is_open: true,
                revision: 0,
            };
            // Asked before, if an engine before this one had heard it.
            let is_new = match self.store().commit(&[Change::Question(asked)]) {
                Ok(()) => true,
                Err(WorkError::Conflict { .. }) => false,
                Err(error) => return Err(error),
            };
            let open = self.store().questions(true, usize::MAX >> 1)?;
            job.asks.remove(0);
            let known = open.into_iter().find(|one| {
                one.task == job.task.id && one.attempt == job.task.attempt && one.question.id == question.id
            });
            let Some(asked) = known else { continue };
            if is_new {
                job.log.push(WorkEvent::NeedsApproval { number: asked.number, question });
            }
            job.open.insert(asked.question.id.clone(), asked);
        }
        while let Some(question) = job.answered.first().cloned() {
            if let Some(asked) = job.open.get(&question).cloned() {
                self.close(job, asked)?;
                job.open.remove(&question);
            }
            job.answered.remove(0);
        }
        Ok(())
    }

    fn close(&self, job: &mut Job, asked: Asked) -> Result<(), WorkError> {
        let now = self.store().question(asked.number)?;
        let (number, decision, by) = (now.number, now.decision.clone(), now.by.clone());
        match self.store().commit(&[Change::Question(Asked { is_open: false, ..now })]) {
            Ok(()) | Err(WorkError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
        job.log.push(WorkEvent::Answered { number, decision, by });
        Ok(())
    }

    /// Tells the agent what people have decided, or that nobody has.
    fn answer(&mut self, job: &mut Job) -> Result<(), WorkError> {
        let is_over = job.outcome.is_some();
        let numbers: Vec<(String, u64)> =
            job.open.iter().map(|(id, asked)| (id.clone(), asked.number)).collect();
        for (id, number) in numbers {
            let mut asked = self.store().question(number)?;
            if asked.decision.is_none() && !is_over && self.now().as_millis() >= asked.until.as_millis() {
                let minutes = (asked.until.as_millis() - asked.at.as_millis()) / 60_000;
                let reason = Some(format!("Nobody answered for {minutes} minutes."));
                asked.decision = Some(Decision::Deny { reason });
                asked.by = Some("time".to_owned());
                match self.store().commit(&[Change::Question(asked.clone())]) {
                    Ok(()) => asked.revision += 1,
                    // Somebody answered in this moment.
                    Err(WorkError::Conflict { .. }) => continue,
                    Err(error) => return Err(error),
                }
            }
            if !is_over && asked.decision.is_none() {
                continue;
            }
            if let (Some(decision), Some(talk)) = (asked.decision.clone(), &mut job.talk)
                && let Err(error) = talk.answer(&id, &decision)
            {
                job.log.push(WorkEvent::Note { text: words(&error) });
            }
            self.close(job, asked)?;
            job.open.remove(&id);
        }
        Ok(())
    }

    /// Writes into the task what came of it.
    fn settle(&mut self, active: &mut Active, job: &mut Job, outcome: Outcome) {
        let options = Self::options(active).clone();
        let now = self.now();
        let task = &mut job.task;
        job.is_changed = true;
        task.claim = None;
        let session =
            task.session.as_ref().and_then(|id| self.transcripts.as_ref()?.index().session_by_id(id).ok());
        if let Some(target) = session.and_then(|session| Target::of(&session).ok()) {
            Started::tidy(&target);
        }
        let mut is_over = true;
        match outcome {
            Outcome::Completed(answer) => {
                task.status = Status::Completed;
                task.answer = answer.clone();
                job.log.push(WorkEvent::Completed { answer });
            }
            Outcome::Stopped(why) => {
                task.status = Status::Interrupted;
                task.why = Some(why.clone());
                job.log.push(WorkEvent::Interrupted { why });
            }
            Outcome::Limited(why, until) if options.waits_for_limit => {
                let pause =
                    doubled(Duration::from_secs(options.limit_seconds), task.attempt.saturating_sub(1));
                let until = until.filter(|until| until.as_millis() > now.as_millis());
                let until = until.unwrap_or_else(|| later(now, pause));
                wait(task, &why, until);
                job.log.push(WorkEvent::Waits { why, until });
                is_over = false;
            }
            Outcome::NeverTaken => {
                task.status = Status::Pending;
                let text = "its agent never had it; it is begun anew".to_owned();
                job.log.push(WorkEvent::Note { text });
                is_over = false;
            }
            Outcome::Died(why)
                if job.is_adopted && options.half_done == HalfDone::Resume && task.session.is_some() =>
            {
                task.status = Status::Pending;
                task.goes_on = true;
                let text = format!("its agent died in the middle of it ({why}); it is told to go on");
                job.log.push(WorkEvent::Note { text });
                is_over = false;
            }
            Outcome::Died(why) if job.is_adopted => {
                let why = if why.is_empty() { "its agent died in the middle of it".to_owned() } else { why };
                task.status = Status::Interrupted;
                task.why = Some(why.clone());
                job.log.push(WorkEvent::Interrupted { why });
            }
            Outcome::Failed(why) | Outcome::Limited(why, _) | Outcome::Died(why) => {
                let why = if why.is_empty() { "its agent ended without a word".to_owned() } else { why };
                if task.attempt <= options.retries && active.run.wish != Wish::Stop {
                    let until = later(now, doubled(Duration::from_secs(1), task.attempt - 1));
                    wait(task, &why, until);
                    job.log.push(WorkEvent::Waits { why, until });
                    is_over = false;
                } else {
                    task.status = Status::Failed;
                    task.why = Some(why.clone());
                    job.log.push(WorkEvent::Failed { why });
                }
            }
        }
        if is_over {
            task.completed_at = Some(now);
            task.not_before = None;
        }
        active.has_failed |= matches!(task.status, Status::Failed | Status::Interrupted);
    }

    /// Lets all go on without this engine: agents live on, and whoever comes next finds them. Returns what is left.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    pub fn let_go(&mut self) -> Result<Vec<Run>, WorkError> {
        let mut left = Vec::new();
        for active in std::mem::take(&mut self.active) {
            loop {
                let run = self.store().run(&active.run.id)?;
                match self.store().commit(&[Change::Run(Run { claim: None, ..run.clone() })]) {
                    Err(WorkError::Conflict { .. }) => {}
                    Err(error) => return Err(error),
                    Ok(()) => {
                        left.push(run);
                        break;
                    }
                }
            }
        }
        Ok(left)
    }
}

/// A prompt waits for another try.
fn wait(task: &mut Task, why: &str, until: Timestamp) {
    task.status = Status::Pending;
    task.why = Some(why.to_owned());
    task.not_before = Some(until);
}

fn note(tasks: &mut [Task], task: &Task) {
    if let Some(known) = tasks.iter_mut().find(|known| known.id == task.id) {
        *known = task.clone();
    }
}

/// A name that a directory and a branch can have.
fn plain_name(name: &str) -> String {
    let plain: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).take(40).collect();
    let plain = plain.trim_matches('-').to_ascii_lowercase();
    if plain.is_empty() { "group".to_owned() } else { plain }
}
