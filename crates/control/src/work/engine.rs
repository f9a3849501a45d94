//! Works through runs: one loop over all of their agents.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use marline_agents::Env;
use marline_model::Timestamp;
use marline_store::work::{
    Change, Claim, Counts, Holder, Logged, Mode, Options, Place, Queue, Run, Runs, Status, Task, Wish,
    WorkError, WorkEvent, WorkStore,
};

use super::holder::{holder, is_alive};
use super::job::{Job, Outcome};
use super::verdict::Transcripts;
use crate::talk::{Carried, Found};
use crate::target::agent;
use crate::{Acts, chain};

/// What is claimed is claimed for so long, and claimed anew in time.
const LEASE: Duration = Duration::from_secs(20);
const RENEW: Duration = Duration::from_secs(5);
/// So often the store is read although nobody has written: times come without a word.
const REREAD: Duration = Duration::from_millis(200);
/// How often it is looked for what an agent leaves beside a session that goes on.
const TIDY: Duration = Duration::from_millis(100);
/// In the folder of a prompt that Codex has in its own queue.
pub(super) const HANDED: &str = "handed";
/// What an engine stands on.
pub struct Means {
    /// Groups, queues and runs. A connection of its own: it is asked whether others have written.
    pub store: Box<dyn WorkStore>,
    /// The index, which somebody else keeps fresh.
    pub index_dir: PathBuf,
    /// Acts on sessions, which know what the agents' own stores say now.
    pub acts: Arc<Acts>,
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
}

/// A run that this engine works at.
pub(super) struct Active {
    pub run: Run,
    pub queue: Option<Queue>,
    pub tasks: Vec<Task>,
    pub jobs: Vec<Job>,
    pub has_failed: bool,
}

/// Works through runs.
pub struct Engine {
    pub(super) means: Means,
    me: Holder,
    active: Vec<Active>,
    pub(super) transcripts: Option<Transcripts>,
    seen: Option<u64>,
    read: Instant,
    renewed: Instant,
    pub(super) is_stale: bool,
    /// The store was read in this step.
    pub(super) has_news: bool,
}

pub(super) fn later(now: Timestamp, wait: Duration) -> Timestamp {
    Timestamp::from_millis(now.as_millis().saturating_add(wait.as_millis() as i64))
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
            has_news: true,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.means.now)()
    }

    /// What this engine claims with, from now on.
    pub fn claim(&self) -> Claim {
        Claim { holder: self.me.clone(), until: later(self.now(), LEASE) }
    }

    pub(crate) fn store(&self) -> &dyn WorkStore {
        &*self.means.store
    }

    pub(crate) fn transcripts(&self) -> Option<&Transcripts> {
        self.transcripts.as_ref()
    }

    /// Says whether this engine works at a run.
    pub fn works_at(&self, run: &str) -> bool {
        self.active.iter().any(|active| active.run.id == run)
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
        let tasks = self.store().tasks(run.list_of_tasks())?;
        let mut active = Active { run, queue, tasks, jobs: Vec::new(), has_failed: false };
        let held: Vec<Task> = active.tasks.iter().filter(|task| task.status.is_held()).cloned().collect();
        for task in held {
            self.adopt(&mut active, task)?;
        }
        self.active.push(active);
        self.is_stale = true;
        Ok(())
    }

    /// Claims every run that has no end and nobody who works at it.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    pub fn take_orphans(&mut self) -> Result<(), WorkError> {
        for run in self.store().runs(Runs::Open)? {
            let is_held = run.claim.as_ref().is_some_and(|claim| is_alive(claim, self.now()));
            if is_held || self.active.iter().any(|active| active.run.id == run.id) {
                continue;
            }
            match self.take(&run.id) {
                // Another one was faster.
                Ok(()) | Err(WorkError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    pub(super) fn dir_of(&self, task: &Task) -> PathBuf {
        self.means.dir.join("talks").join(task.attempt_name())
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
                job.outcome = Some(Outcome::Died(chain(&error)));
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
        self.has_news = self.is_stale || self.seen != Some(version) || self.read.elapsed() > REREAD;
        if self.has_news {
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
            one.tasks = self.store().tasks(one.run.list_of_tasks())?;
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
        for job in active.jobs.iter_mut().filter(|job| active.run.interrupts(&job.task)) {
            job.interrupt("it was interrupted");
        }
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

    pub(super) fn told(&self, run: &Run, task: Option<&Task>, event: WorkEvent) -> Change {
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
            Wish::Run => stops || !active.tasks.iter().any(|task| will_run(task, &active.tasks)),
        }
    }

    fn end(&mut self, active: &mut Active) -> Result<(), WorkError> {
        let mut changes = Vec::new();
        if !active.run.is_queue {
            for task in active.tasks.iter_mut().filter(|task| task.status == Status::Pending) {
                task.status = Status::Cancelled;
                task.completed_at = Some(self.now());
                changes.push(Change::Task(task.clone()));
                changes.push(self.told(&active.run, Some(task), WorkEvent::Cancelled));
                self.follow_review(&active.run, task, &mut changes)?;
            }
        }
        let counts = Counts::of(&active.tasks);
        if active.run.wish == Wish::Run && active.has_failed && counts.pending > 0 {
            let text = "a prompt was not answered: the rest is not begun".to_owned();
            changes.push(self.told(&active.run, None, WorkEvent::Note { text }));
        }
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
        let is_due = |task: &&Task| {
            task.not_before.is_none_or(|at| at.as_millis() <= now) && !self.is_shut_out(active, task)
        };
        let mut waiting = active.tasks.iter().filter(|task| will_run(task, &active.tasks));
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

    /// A session of an agent that is spoiled by another start of it goes on alone.
    fn is_shut_out(&self, active: &Active, task: &Task) -> bool {
        if !agent(task.source).drive().resumes_alone() {
            return false;
        }
        let goes_on = |task: &Task| task.session.is_some() && !task.is_new;
        let held = self.store().held().unwrap_or_default();
        let mut others = held.iter().filter(|other| other.id != task.id && other.source == task.source);
        let queue = active.queue.as_ref().filter(|queue| queue.mode == Mode::Continue);
        let will_go_on = goes_on(task) || queue.is_some_and(|queue| queue.session.is_some());
        others.any(|other| goes_on(other) || will_go_on)
    }

    pub(super) fn options(active: &Active) -> &Options {
        active.queue.as_ref().map_or(&active.run.options, |queue| &queue.options)
    }

    /// One step of one job, written down.
    fn work_at(&mut self, active: &mut Active, at: usize, renews: bool) -> Result<(), WorkError> {
        let timeout = Duration::from_secs(Self::options(active).timeout_seconds);
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
            job.limit(timeout);
            // Seen: the agent does without it from the first; another start of it, by anybody, would not.
            if !job.task.is_new
                && job.tidied.elapsed() > TIDY
                && agent(job.task.source).drive().resumes_alone()
            {
                job.tidied = Instant::now();
                self.tidy(&job.task);
            }
        }
        let written = self.write(active, &mut job, renews);
        active.jobs.insert(at, job);
        written
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

/// Says whether a prompt will have its turn without a person's doing.
pub fn will_run(task: &Task, all: &[Task]) -> bool {
    let is_after = |id: &String| {
        let before = all.iter().find(|task| task.id == *id);
        before.is_none_or(|before| before.status == Status::Completed || will_run(before, all))
    };
    task.status == Status::Pending && !task.is_manual && task.after.as_ref().is_none_or(is_after)
}

pub(super) fn note(tasks: &mut [Task], task: &Task) {
    if let Some(known) = tasks.iter_mut().find(|known| known.id == task.id) {
        *known = task.clone();
    }
}
