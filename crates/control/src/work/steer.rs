//! Steering a session that Marline itself has an agent work in: by its questions, its run, and a queue of its own.

use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use marline_agents::talk::Decision;
use marline_model::SessionId;
use marline_store::work::{Change, Logged, Mode, Queue, Task, WorkError, WorkEvent};

use super::desk::{Desk, NewPrompt, NewQueue};
use crate::live::{Command, Control, LiveSession, Steered, key_of_question};

/// An agent that is interrupted has so long to stop.
const UNTIL_STOPPED: Duration = Duration::from_secs(4);
const LOOK: Duration = Duration::from_millis(100);

fn refused(why: impl Into<String>) -> Steered {
    Steered::Refused { why: why.into() }
}

impl Desk {
    /// Steers a session that Marline works in; `by` says who does. What is said waits in a queue of the session's own until the
    /// prompt that the agent is at is over.
    ///
    /// # Errors
    /// [`WorkError`]
    pub fn steer_held(&self, live: &LiveSession, command: &Command, by: &str) -> Result<Steered, WorkError> {
        let Control::Marline { run, task } = &live.control else {
            return Ok(refused("Marline does not work in it"));
        };
        match command {
            Command::Send { text, images } => self.say_later(live, run, text, images),
            Command::Answer { question, decision } => {
                self.answer(&live.id, task, question.as_deref(), decision, by)
            }
            Command::Interrupt | Command::Stop => self.interrupt(run, task, by),
            Command::Choose { .. } => Ok(refused("it asks nothing that could be chosen from")),
            Command::Model { .. } | Command::Mode { .. } => {
                Ok(refused("its run says so from the beginning; begin another one"))
            }
        }
    }

    fn say_later(
        &self,
        live: &LiveSession,
        run: &str,
        text: &str,
        images: &[PathBuf],
    ) -> Result<Steered, WorkError> {
        let queue = self.queue_of(live, run)?;
        let wanted = NewPrompt { prompt: text.to_owned(), images: images.to_vec(), ..NewPrompt::default() };
        let prompt = match self.add_prompt(&queue.name, wanted) {
            Err(WorkError::Invalid { message }) => return Ok(refused(message)),
            added => added?,
        };
        match self.run_queue(&queue.name, None) {
            // It runs already.
            Ok(_) | Err(WorkError::Conflict { .. }) => {}
            Err(WorkError::Invalid { message }) => {
                self.remove_prompt(&queue.name, &prompt.id)?;
                if self.store().tasks(&queue.id)?.is_empty() {
                    self.delete_queue(&queue.name)?;
                }
                return Ok(refused(message));
            }
            Err(error) => return Err(error),
        }
        let proof = format!(
            "it waits as prompt {} of the queue {:?}, until the agent is free",
            prompt.number, queue.name
        );
        Ok(Steered::Delivered { proof })
    }

    /// The queue of what is said to a session while Marline works in it.
    fn queue_of(&self, live: &LiveSession, run: &str) -> Result<Queue, WorkError> {
        let name = format!("messages to {}", live.id);
        match self.store().queue(&name) {
            Err(WorkError::NotFound { .. }) => {}
            known => return known,
        }
        let run = self.store().run(run)?;
        let options = match run.is_queue {
            true => self.store().queue(&run.list)?.options,
            false => run.options,
        };
        let made = self.create_queue(NewQueue {
            name: name.clone(),
            project: PathBuf::from(live.cwd.clone().unwrap_or_default()),
            source: live.source,
            mode: Mode::Continue,
            session: Some(live.id.clone()),
            stops_on_failure: false,
            options,
        });
        // Somebody else may have made it meanwhile.
        if matches!(made, Err(WorkError::Conflict { .. })) { self.store().queue(&name) } else { made }
    }

    fn answer(
        &self,
        id: &SessionId,
        task: &str,
        key: Option<&str>,
        decision: &Decision,
        by: &str,
    ) -> Result<Steered, WorkError> {
        let open = self.store().questions(true, usize::MAX >> 1)?.into_iter();
        let mut open = open.filter(|asked| asked.task == *task && asked.decision.is_none());
        let asked = open.find(|asked| key.is_none_or(|key| key_of_question(id, asked.number) == key));
        let Some(asked) = asked else { return Ok(refused("it asks nothing of that any more")) };
        match self.decide(asked.number, decision.clone(), by) {
            Ok(_) => Ok(Steered::Delivered { proof: format!("question {} has this answer", asked.number) }),
            Err(WorkError::Conflict { message } | WorkError::Invalid { message }) => Ok(refused(message)),
            Err(error) => Err(error),
        }
    }

    /// Interrupts the prompt that an agent is at; its run goes on with the next one.
    fn interrupt(&self, run: &str, task: &str, by: &str) -> Result<Steered, WorkError> {
        let is_at_it = |task: &Task| task.status.is_held();
        let task = self.store().task(task)?;
        if !is_at_it(&task) {
            return Ok(refused("its prompt is over"));
        }
        loop {
            let mut run = self.store().run(run)?;
            if run.ended_at.is_some() {
                return Ok(refused("its run is over"));
            }
            if !run.interrupts(&task) {
                run.interrupted.push(task.attempt_name());
            }
            let (seq, event) = (0, WorkEvent::Note { text: format!("interrupted by {by}") });
            let told =
                Logged { seq, run: run.id.clone(), task: Some(task.id.clone()), at: self.now(), event };
            match self.store().commit(&[Change::Run(run), Change::Event(told)]) {
                Err(WorkError::Conflict { .. }) => {}
                Err(error) => return Err(error),
                Ok(()) => break,
            }
        }
        let began = Instant::now();
        while began.elapsed() < UNTIL_STOPPED {
            if !is_at_it(&self.store().task(&task.id)?) {
                return Ok(Steered::Delivered { proof: "it stopped".to_owned() });
            }
            sleep(LOOK);
        }
        Ok(Steered::Unknown { seen: "its run was told, and it has not stopped yet".to_owned() })
    }
}
