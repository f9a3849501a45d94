//! What people do with groups and queues; agents are none of its business.

use std::collections::HashSet;
use std::path::PathBuf;

use marline_agents::talk::Decision;
use marline_model::{SessionId, Source, ThreadId, Timestamp};
use marline_store::work::{
    Asked, Change, Claim, Counts, Exchanged, Group, GroupFile, Logged, Member, Mode, Options, Place, Queue,
    QueueFile, Run, Runs, Status, Task, Wish, WorkError, WorkEvent, WorkStore,
};

use super::check::{check_images, check_name, check_order, check_prompt};
use super::holder::is_alive;
use super::permits::{Answered, named};
use crate::target::agent;

/// So many sessions at a time, unless it is said.
pub const MAX_CONCURRENCY: usize = 3;

/// How a group is run.
#[derive(Debug, Clone)]
pub struct GroupRun {
    /// What every session is told.
    pub prompt: String,
    /// Pictures that belong to it.
    pub images: Vec<PathBuf>,
    /// How.
    pub options: Options,
    /// At most so many at a time.
    pub max_concurrency: usize,
    /// Where.
    pub place: Place,
}

/// A queue that is to be made.
#[derive(Debug, Clone)]
pub struct NewQueue {
    /// What people call it.
    pub name: String,
    /// Where it works.
    pub project: PathBuf,
    /// Who works.
    pub source: Source,
    /// Where its prompts are said.
    pub mode: Mode,
    /// The session that they are said in, of one that exists.
    pub session: Option<SessionId>,
    /// Stop when a prompt fails.
    pub stops_on_failure: bool,
    /// How.
    pub options: Options,
}

/// A prompt that is to be added.
#[derive(Debug, Clone, Default)]
pub struct NewPrompt {
    /// Its words.
    pub prompt: String,
    /// Its pictures.
    pub images: Vec<PathBuf>,
    /// It waits until a person releases it.
    pub is_manual: bool,
    /// The number, or the id, of the one that must be completed first.
    pub after: Option<String>,
}

/// What is changed in a prompt.
#[derive(Debug, Clone, Default)]
pub struct PromptPatch {
    /// Its words.
    pub prompt: Option<String>,
    /// Its pictures.
    pub images: Option<Vec<PathBuf>>,
    /// Whether it waits for a person.
    pub is_manual: Option<bool>,
    /// To wait again, or to be taken back.
    pub status: Option<Status>,
}

/// Groups, queues and what people want of them.
pub struct Desk {
    store: Box<dyn WorkStore>,
    now: fn() -> Timestamp,
    random: fn() -> [u8; 16],
}

impl Desk {
    /// Sits down at a store.
    pub fn new(store: Box<dyn WorkStore>, now: fn() -> Timestamp, random: fn() -> [u8; 16]) -> Self {
        Desk { store, now, random }
    }

    /// The clock's time.
    pub(crate) fn now(&self) -> Timestamp {
        (self.now)()
    }

    /// The store.
    pub fn store(&self) -> &dyn WorkStore {
        &*self.store
    }

    pub(crate) fn id(&self) -> String {
        let random = (self.random)();
        let mut ten = [0; 10];
        ten.copy_from_slice(&random[..10]);
        ThreadId::new((self.now)(), ten).to_string()
    }

    /// Makes a group.
    ///
    /// # Errors
    /// [`WorkError::Conflict`] when there is one of that name, [`WorkError::Invalid`], [`WorkError::Internal`]
    pub fn create_group(
        &self,
        name: &str,
        description: Option<&str>,
        members: Vec<Member>,
    ) -> Result<Group, WorkError> {
        check_name(name)?;
        let now = (self.now)();
        let mut group = Group {
            id: self.id(),
            name: name.to_owned(),
            description: description.map(str::to_owned),
            members: Vec::new(),
            created_at: now,
            updated_at: now,
            revision: 0,
        };
        join(&mut group, members);
        self.store.commit(&[Change::Group(group)])?;
        self.store.group(name)
    }

    /// Changes a group; `change` may be called more than once.
    ///
    /// # Errors
    /// [`WorkError`], with nothing changed.
    pub fn change_group(
        &self,
        name: &str,
        change: impl Fn(&mut Group) -> Result<(), WorkError>,
    ) -> Result<Group, WorkError> {
        loop {
            let mut group = self.store.group(name)?;
            let before = group.name.clone();
            change(&mut group)?;
            check_name(&group.name)?;
            group.updated_at = (self.now)();
            let id = group.id.clone();
            match self.store.commit(&[Change::Group(group.clone())]) {
                // Somebody else was faster; a name that is taken stays so.
                Err(WorkError::Conflict { .. }) if group.name == before => {}
                Err(error) => return Err(error),
                Ok(()) => return self.store.group(&id),
            }
        }
    }

    /// Adds sessions to a group; those it has stay where they are.
    ///
    /// # Errors
    /// [`WorkError`]
    pub fn add_members(&self, name: &str, members: &[Member]) -> Result<Group, WorkError> {
        self.change_group(name, |group| {
            join(group, members.to_vec());
            Ok(())
        })
    }

    /// Takes sessions out of a group.
    ///
    /// # Errors
    /// [`WorkError::NotFound`] when one is no member.
    pub fn remove_members(&self, name: &str, sessions: &[SessionId]) -> Result<Group, WorkError> {
        self.change_group(name, |group| {
            for session in sessions {
                let before = group.members.len();
                group.members.retain(|member| member.session.as_ref() != Some(session));
                if group.members.len() == before {
                    return Err(WorkError::NotFound { what: format!("session {session} in {}", group.name) });
                }
            }
            Ok(())
        })
    }

    /// Deletes a group with all its runs.
    ///
    /// # Errors
    /// [`WorkError::Conflict`] while it runs.
    pub fn delete_group(&self, name: &str) -> Result<(), WorkError> {
        let group = self.store.group(name)?;
        self.check_idle(&group.id, name)?;
        self.store.commit(&[Change::DeleteGroup(group)])
    }

    fn check_idle(&self, list: &str, name: &str) -> Result<(), WorkError> {
        match self.open_run(list)? {
            Some(_) => Err(WorkError::conflict(format!("{name} runs; stop it first"))),
            None => Ok(()),
        }
    }

    /// The run of a group or queue that has no end yet.
    ///
    /// # Errors
    /// [`WorkError::Internal`]
    pub fn open_run(&self, list: &str) -> Result<Option<Run>, WorkError> {
        Ok(self.store.runs(Runs::Of(list, 1))?.into_iter().find(|run| run.ended_at.is_none()))
    }

    /// Begins a run of a group, which `claim` works at; nothing: nobody yet.
    ///
    /// # Errors
    /// [`WorkError::Conflict`] while it runs, [`WorkError::Invalid`] when there is nothing to do or to say.
    pub fn run_group(&self, name: &str, wanted: GroupRun, claim: Option<Claim>) -> Result<Run, WorkError> {
        let group = self.store.group(name)?;
        check_prompt(&wanted.prompt)?;
        check_images(&wanted.images)?;
        if group.members.is_empty() {
            return Err(WorkError::invalid(format!("{name} has no sessions; add some first")));
        }
        if wanted.max_concurrency == 0 {
            return Err(WorkError::invalid("with no session at a time nothing would ever begin"));
        }
        for member in &group.members {
            let checked =
                check_order(member.source, member.session.as_ref(), &wanted.options, &wanted.images);
            checked.map_err(|error| match &member.session {
                Some(session) => WorkError::invalid(format!("{error} (or take {session} out of the group)")),
                None => error,
            })?;
        }
        if wanted.place == Place::Worktree {
            let fixed = group
                .members
                .iter()
                .find(|member| member.session.is_some() && !agent(member.source).drive().resumes_elsewhere());
            if let Some(member) = fixed {
                let name = agent(member.source).name();
                let words = format!(
                    "{name} goes on with a session in its own directory alone; leave the worktrees out"
                );
                return Err(WorkError::invalid(words));
            }
        }
        let now = (self.now)();
        let mut run = self.new_run(&group.id, &group.name, false, claim);
        run.max_concurrency = wanted.max_concurrency;
        run.place = wanted.place;
        run.options = wanted.options;
        run.prompt = Some(wanted.prompt.clone());
        run.counts.pending = group.members.len() as u64;
        let mut changes = vec![Change::Run(run.clone())];
        for (at, member) in group.members.iter().enumerate() {
            changes.push(Change::Task(Task {
                images: wanted.images.clone(),
                member: Some(at),
                session: member.session.clone(),
                is_new: member.session.is_none(),
                cwd: member.cwd.clone(),
                ..Task::new(self.id(), &run.id, member.source, at as u64 + 1, wanted.prompt.clone(), now)
            }));
        }
        self.begin_run(&changes, &group.id, name)?;
        self.store.run(&run.id)
    }

    pub(crate) fn new_run(&self, list: &str, name: &str, is_queue: bool, claim: Option<Claim>) -> Run {
        Run {
            id: self.id(),
            number: 0,
            list: list.to_owned(),
            is_queue,
            is_review: false,
            name: name.to_owned(),
            prompt: None,
            options: Options::default(),
            max_concurrency: 1,
            place: Place::Own,
            wish: Wish::Run,
            interrupted: Vec::new(),
            claim,
            counts: Counts::default(),
            created_at: (self.now)(),
            ended_at: None,
            revision: 0,
        }
    }

    /// Makes a queue.
    ///
    /// # Errors
    /// [`WorkError::Conflict`] when there is one of that name, [`WorkError::Invalid`], [`WorkError::Internal`]
    pub fn create_queue(&self, wanted: NewQueue) -> Result<Queue, WorkError> {
        check_name(&wanted.name)?;
        let project = wanted.project.canonicalize().ok().filter(|project| project.is_dir());
        let project = project.ok_or_else(|| {
            WorkError::invalid(format!("{} is no directory that is there", wanted.project.display()))
        })?;
        let now = (self.now)();
        let queue = Queue {
            id: self.id(),
            name: wanted.name,
            project: project.display().to_string(),
            source: wanted.session.as_ref().map_or(wanted.source, SessionId::source),
            mode: if wanted.session.is_some() { Mode::Continue } else { wanted.mode },
            stops_on_failure: wanted.stops_on_failure,
            options: wanted.options,
            session: wanted.session,
            created_at: now,
            updated_at: now,
            revision: 0,
        };
        self.store.commit(&[Change::Queue(queue.clone())])?;
        self.store.queue(&queue.id)
    }

    /// Changes a queue; `change` may be called more than once.
    ///
    /// # Errors
    /// [`WorkError`], with nothing changed.
    pub fn change_queue(&self, name: &str, change: impl Fn(&mut Queue)) -> Result<Queue, WorkError> {
        loop {
            let mut queue = self.store.queue(name)?;
            let before = queue.name.clone();
            change(&mut queue);
            check_name(&queue.name)?;
            queue.updated_at = (self.now)();
            let id = queue.id.clone();
            match self.store.commit(&[Change::Queue(queue.clone())]) {
                Err(WorkError::Conflict { .. }) if queue.name == before => {}
                Err(error) => return Err(error),
                Ok(()) => return self.store.queue(&id),
            }
        }
    }

    /// Deletes a queue with its prompts.
    ///
    /// # Errors
    /// [`WorkError::Conflict`] while it runs.
    pub fn delete_queue(&self, name: &str) -> Result<(), WorkError> {
        let queue = self.store.queue(name)?;
        self.check_idle(&queue.id, name)?;
        self.store.commit(&[Change::DeleteQueue(queue)])
    }

    /// A prompt of a queue by its number or id.
    ///
    /// # Errors
    /// [`WorkError::NotFound`], [`WorkError::Internal`]
    pub fn prompt(&self, queue: &Queue, which: &str) -> Result<Task, WorkError> {
        let mut tasks = self.store.tasks(&queue.id)?.into_iter();
        let found = tasks.find(|task| task.number.to_string() == which || task.id == which);
        found.ok_or_else(|| WorkError::NotFound { what: format!("prompt {which} in {}", queue.name) })
    }

    /// Adds a prompt at the end of a queue, which may run.
    ///
    /// # Errors
    /// [`WorkError`]
    pub fn add_prompt(&self, name: &str, wanted: NewPrompt) -> Result<Task, WorkError> {
        check_prompt(&wanted.prompt)?;
        check_images(&wanted.images)?;
        let queue = self.store.queue(name)?;
        let after = wanted.after.as_deref().map(|which| self.prompt(&queue, which)).transpose()?;
        let id = self.id();
        loop {
            let last = self.store.tasks(&queue.id)?.last().map_or(0, |task| task.position);
            let task = Task {
                images: wanted.images.clone(),
                is_manual: wanted.is_manual,
                after: after.as_ref().map(|task| task.id.clone()),
                cwd: Some(queue.project.clone()),
                ..Task::new(
                    id.clone(),
                    &queue.id,
                    queue.source,
                    last + 1,
                    wanted.prompt.clone(),
                    (self.now)(),
                )
            };
            match self.store.commit(&[Change::Task(task)]) {
                Err(WorkError::Conflict { .. }) => {}
                Err(error) => return Err(error),
                Ok(()) => return self.store.task(&id),
            }
        }
    }

    /// Changes a prompt that nobody is at.
    ///
    /// # Errors
    /// [`WorkError::Conflict`] while it runs.
    pub fn update_prompt(&self, name: &str, which: &str, patch: PromptPatch) -> Result<Task, WorkError> {
        let queue = self.store.queue(name)?;
        let mut task = self.prompt(&queue, which)?;
        if task.status.is_held() {
            return Err(WorkError::conflict(format!("prompt {} is running", task.number)));
        }
        if let Some(prompt) = patch.prompt {
            check_prompt(&prompt)?;
            if task.status == Status::Completed && patch.status != Some(Status::Pending) {
                let words = format!("prompt {} is answered; to have it run again, release it", task.number);
                return Err(WorkError::conflict(words));
            }
            task.prompt = prompt;
            task.failures = 0;
        }
        if let Some(images) = patch.images {
            check_images(&images)?;
            task.images = images;
        }
        task.is_manual = patch.is_manual.unwrap_or(task.is_manual);
        match patch.status {
            None => {}
            Some(Status::Pending) => {
                task = Task {
                    number: task.number,
                    revision: task.revision,
                    attempt: task.attempt,
                    after: task.after,
                    images: task.images,
                    cwd: Some(queue.project.clone()),
                    ..Task::new(task.id, &queue.id, queue.source, task.position, task.prompt, task.added_at)
                };
            }
            Some(Status::Cancelled) if !task.status.is_over() => {
                task.status = Status::Cancelled;
                task.completed_at = Some((self.now)());
            }
            Some(other) => {
                let words =
                    format!("a prompt that is {} can't be made {}", task.status.as_str(), other.as_str());
                return Err(WorkError::invalid(words));
            }
        }
        let id = task.id.clone();
        self.store.commit(&[Change::Task(task)])?;
        self.store.task(&id)
    }

    /// Moves a prompt before another one, or to the end.
    ///
    /// # Errors
    /// [`WorkError::Conflict`] when somebody else changed the queue at the same time.
    pub fn move_prompt(&self, name: &str, which: &str, before: Option<&str>) -> Result<Vec<Task>, WorkError> {
        let queue = self.store.queue(name)?;
        let moved = self.prompt(&queue, which)?;
        let before = before.map(|which| self.prompt(&queue, which)).transpose()?;
        let mut tasks = self.store.tasks(&queue.id)?;
        if before.as_ref().is_some_and(|before| before.id == moved.id) {
            return Ok(tasks);
        }
        tasks.retain(|task| task.id != moved.id);
        let at = match &before {
            Some(before) => tasks.iter().position(|task| task.id == before.id),
            None => Some(tasks.len()),
        };
        tasks.insert(at.unwrap_or(tasks.len()), moved);
        let mut changes = Vec::new();
        for (position, task) in tasks.iter_mut().enumerate() {
            let position = position as u64 + 1;
            if task.position != position {
                task.position = position;
                changes.push(Change::Task(task.clone()));
            }
        }
        self.store.commit(&changes)?;
        self.store.tasks(&queue.id)
    }

    /// Takes a prompt out of a queue.
    ///
    /// # Errors
    /// [`WorkError::Conflict`] while it runs.
    pub fn remove_prompt(&self, name: &str, which: &str) -> Result<Task, WorkError> {
        let queue = self.store.queue(name)?;
        let task = self.prompt(&queue, which)?;
        if task.status.is_held() {
            return Err(WorkError::conflict(format!(
                "prompt {} is running; stop the queue first",
                task.number
            )));
        }
        let waits = |other: &Task| other.after.as_ref() == Some(&task.id) && !other.status.is_over();
        let all = self.store.tasks(&queue.id)?;
        if let Some(other) =
            all.iter().find(|other| waits(other)).filter(|_| task.status != Status::Completed)
        {
            let words = format!("prompt {} waits for it; remove or cancel that one first", other.number);
            return Err(WorkError::conflict(words));
        }
        self.store.commit(&[Change::DeleteTask(task.clone())])?;
        Ok(task)
    }

    /// Begins a run of a queue, which `claim` works at; nothing: nobody yet.
    ///
    /// # Errors
    /// [`WorkError::Conflict`] while it runs, [`WorkError::Invalid`] when nothing waits in it.
    pub fn run_queue(&self, name: &str, claim: Option<Claim>) -> Result<Run, WorkError> {
        let queue = self.store.queue(name)?;
        let tasks = self.store.tasks(&queue.id)?;
        if !tasks.iter().any(|task| task.status == Status::Pending && !task.is_manual) {
            let words = if tasks.iter().any(|task| task.status == Status::Pending) {
                format!("all that waits in {name} is manual; release it first")
            } else {
                format!("nothing waits in {name}; add prompts first")
            };
            return Err(WorkError::invalid(words));
        }
        for task in tasks.iter().filter(|task| task.status == Status::Pending) {
            let session = queue.session.as_ref().filter(|_| queue.mode == Mode::Continue);
            check_order(queue.source, session, &queue.options, &task.images)?;
        }
        let mut run = self.new_run(&queue.id, &queue.name, true, claim);
        run.options = queue.options.clone();
        run.counts = Counts::of(&tasks);
        self.begin_run(&[Change::Run(run.clone())], &queue.id, name)?;
        self.store.run(&run.id)
    }

    /// Writes a new run; of one that goes on already, it is said how it stands.
    fn begin_run(&self, changes: &[Change], list: &str, name: &str) -> Result<(), WorkError> {
        let begun = self.store.commit(changes);
        let open = if matches!(begun, Err(WorkError::Conflict { .. })) { self.open_run(list)? } else { None };
        match open {
            Some(run) if self.is_left(&run) => Err(WorkError::conflict(format!(
                "{name} runs already, and its Marline is gone: resume it, or stop it"
            ))),
            Some(run) if run.wish == Wish::Pause => {
                Err(WorkError::conflict(format!("{name} is paused: resume it, or stop it")))
            }
            Some(_) => Err(WorkError::conflict(format!("{name} runs already: watch it, or stop it"))),
            None => begun,
        }
    }

    /// Says whether nobody works at a run that has no end.
    pub fn is_left(&self, run: &Run) -> bool {
        let is_held = run.claim.as_ref().is_some_and(|claim| is_alive(claim, (self.now)()));
        run.ended_at.is_none() && !is_held
    }

    /// Says what is wanted of a group's or queue's run.
    ///
    /// # Errors
    /// [`WorkError::Conflict`] when nothing runs.
    pub fn wish(&self, list: &str, name: &str, wish: Wish) -> Result<Run, WorkError> {
        loop {
            let Some(mut run) = self.open_run(list)? else {
                return Err(WorkError::conflict(format!("{name} does not run")));
            };
            if run.wish == wish || run.wish == Wish::Stop {
                return Ok(run);
            }
            run.wish = wish;
            let id = run.id.clone();
            let told = Logged {
                seq: 0,
                run: id.clone(),
                task: None,
                at: (self.now)(),
                event: WorkEvent::Wished { wish },
            };
            match self.store.commit(&[Change::Run(run), Change::Event(told)]) {
                Err(WorkError::Conflict { .. }) => {}
                Err(error) => return Err(error),
                Ok(()) => return self.store.run(&id),
            }
        }
    }

    /// Answers a question; `by` says who. The agent is told by whoever works with it.
    ///
    /// # Errors
    /// [`WorkError::Conflict`] when it was answered before, or needs no answer any more.
    pub fn decide(&self, number: u64, decision: Decision, by: &str) -> Result<Asked, WorkError> {
        let mut asked = self.store.question(number)?;
        if !asked.is_open || asked.decision.is_some() {
            let words = match &asked.by {
                Some(by) => format!("question {number} was answered by {by}"),
                None => format!("question {number} needs no answer any more"),
            };
            return Err(WorkError::conflict(words));
        }
        if decision == Decision::AllowForSession && !asked.question.for_session {
            return Err(WorkError::invalid("the agent can't remember that for the session; allow it once"));
        }
        let noted = Answered {
            session: asked.session.clone(),
            what: named(&asked.question),
            cwd: asked.question.cwd.clone(),
            decision: decision.clone(),
            by: by.to_owned(),
            rule: None,
            outcome: "delivered",
            proof: format!("question {number} has this answer"),
            call: Some(asked.question.id.clone()),
        };
        asked.decision = Some(decision);
        asked.by = Some(by.to_owned());
        self.store.commit(&[Change::Question(asked), Change::Audit(noted.entry((self.now)()))])?;
        self.store.question(number)
    }

    /// Takes in what a file holds, all or nothing. Returns the names of groups and queues.
    ///
    /// # Errors
    /// [`WorkError::Conflict`] when there is one of a name or id already.
    pub fn import(&self, found: Exchanged) -> Result<Vec<String>, WorkError> {
        let (mut changes, mut names) = (Vec::new(), Vec::new());
        for file in found.groups {
            let group = file.into_group()?;
            check_name(&group.name)?;
            names.push(group.name.clone());
            changes.push(Change::Group(group));
        }
        for file in found.queues {
            let (queue, tasks) = file.into_queue();
            check_name(&queue.name)?;
            names.push(queue.name.clone());
            changes.push(Change::Queue(queue));
            changes.extend(tasks.into_iter().map(Change::Task));
        }
        self.store.commit(&changes)?;
        Ok(names)
    }

    /// A group as a file has it.
    ///
    /// # Errors
    /// [`WorkError`]
    pub fn export_group(&self, name: &str) -> Result<GroupFile, WorkError> {
        Ok(GroupFile::of(&self.store.group(name)?))
    }

    /// A queue as a file has it.
    ///
    /// # Errors
    /// [`WorkError`]
    pub fn export_queue(&self, name: &str) -> Result<QueueFile, WorkError> {
        let queue = self.store.queue(name)?;
        Ok(QueueFile::of(&queue, &self.store.tasks(&queue.id)?))
    }
}

/// Adds those that are not in it.
fn join(group: &mut Group, members: Vec<Member>) {
    let known = group.members.iter().filter_map(|member| member.session.clone());
    let mut known: HashSet<SessionId> = known.collect();
    for member in members {
        if member.session.as_ref().is_none_or(|session| known.insert(session.clone())) {
            group.members.push(member);
        }
    }
}
