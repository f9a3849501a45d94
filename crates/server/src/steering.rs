//! Commands to live sessions: each done once, by whatever way the session has, with what came of it written down.

use std::time::{Duration, Instant};

use marline_agents::event::hash;
use marline_agents::talk::Decision;
use marline_control::find_program;
use marline_control::live::{Command, Control, LiveSession, Steered, is_said};
use marline_control::work::Answered;
use marline_store::work::{CommandEnd, Rule};
use serde::{Deserialize, Serialize};

use crate::board::Board;
use crate::problem::{Problem, sentence};

/// What was said is looked for in the transcript for so long.
const UNTIL_SAID: Duration = Duration::from_secs(4);
const LOOK: Duration = Duration::from_millis(100);

/// Who gives a command.
#[derive(Debug, Clone)]
pub struct Giver {
    /// What the log calls them.
    pub by: String,
    /// The rule that does.
    pub rule: Option<String>,
}

/// What is kept of a command that was done.
#[derive(Serialize, Deserialize)]
struct Noted {
    /// Tells the command from others.
    #[serde(default)]
    of: Option<String>,
    #[serde(flatten)]
    steered: Steered,
}

/// What tells a command from others, without its words.
fn print(command: &Command) -> String {
    format!("{:016x}", hash(&[format!("{command:?}").as_bytes()]))
}

impl Board {
    /// Does a command once: one that was done before under this key is told as it ended then.
    pub(crate) async fn do_once(
        &self,
        live: LiveSession,
        key: &str,
        command: Command,
        giver: Giver,
    ) -> Result<Steered, Problem> {
        let (noted, at) = (format!("{} {key}", live.id), self.now());
        let (begun, of) = (noted.clone(), print(&command));
        match self.desk(move |desk| desk.store().begin_command(&begun, at)).await? {
            None => {}
            Some(CommandEnd::Known(outcome)) => {
                let noted: Noted = serde_json::from_str(&outcome)
                    .map_err(|error| Problem::FAILED.because(sentence(&error)))?;
                if noted.of.is_some_and(|before| before != of) {
                    return Err(Problem::CONFLICT.because("Another command was given under that key."));
                }
                return Ok(noted.steered);
            }
            Some(CommandEnd::Unknown) => {
                let seen = "it was begun before, and nobody knows what came of it".to_owned();
                return Ok(Steered::Unknown { seen });
            }
        }
        let tried = match &live.control {
            Control::Marline { .. } => {
                let (live, command, by) = (live.clone(), command.clone(), giver.by.clone());
                self.desk(move |desk| desk.steer_held(&live, &command, &by)).await
            }
            _ => self.steer(&live, key, command.clone()).await,
        };
        let steered = match tried {
            Ok(steered) => steered,
            Err(problem) => {
                // Whether the agent has heard it is not known; the log says that, too.
                let seen = Steered::Unknown { seen: problem.words() };
                if let Some(answered) = Answered::to(&live, &command, &seen, giver.by, giver.rule) {
                    self.desk(move |desk| desk.note(answered)).await?;
                }
                return Err(problem);
            }
        };
        let kept = Noted { of: Some(of), steered: steered.clone() };
        let outcome =
            serde_json::to_string(&kept).map_err(|error| Problem::FAILED.because(sentence(&error)))?;
        if command == Command::Stop && matches!(steered, Steered::Delivered { .. }) {
            let closed = self.lookout.book(self, |book| book.close(&live.id, self.now()));
            if let Some(Err(error)) = closed {
                tracing::warn!(error = %sentence(&error), "that it was ended could not be written down");
            }
        }
        let answered = Answered::to(&live, &command, &steered, giver.by, giver.rule);
        self.desk(move |desk| {
            desk.store().end_command(&noted, &outcome)?;
            answered.map_or(Ok(()), |answered| desk.note(answered))
        })
        .await?;
        self.lookout.ring();
        Ok(steered)
    }

    /// Does a command, whose key somebody else has noted.
    pub(crate) async fn steer(
        &self,
        live: &LiveSession,
        key: &str,
        command: Command,
    ) -> Result<Steered, Problem> {
        if let Command::Answer { question, decision } = &command
            && let Some(steered) = self.away.answer(&live.id, question.as_deref(), decision.clone()).await
        {
            return Ok(steered);
        }
        let (tmux, since, key) = (find_program("tmux", &self.config.path), self.now(), key.to_owned());
        let said = command.words(live);
        let (one, turns) = (live.clone(), self.config.state_dir.clone());
        let steered = tokio::task::spawn_blocking(move || one.steer(tmux.as_deref(), &turns, &key, &command));
        let failed = |words: String| Problem::FAILED.because(format!("It could not be said: {words}."));
        let steered = steered
            .await
            .map_err(|error| failed(error.to_string()))?
            .map_err(|error| failed(error.to_string()))?;
        let (Steered::Delivered { .. }, Some(text)) = (&steered, said) else { return Ok(steered) };
        // The transcript is the proof; a prompt that waits in a queue of the agent's own is not in it yet.
        let began = Instant::now();
        while began.elapsed() < UNTIL_SAID {
            let (id, text) = (live.id.clone(), text.clone());
            if self.readers.ask(move |index| Ok(is_said(index, &id, &text, since))).await? {
                return Ok(Steered::Delivered { proof: "it stands in the transcript".to_owned() });
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(steered)
    }

    /// Allows what a rule allows.
    pub(crate) async fn permit(&self, live: LiveSession, question: String, rule: Rule) {
        let giver =
            Giver { by: format!("the rule {:?} of {}", rule.words.join(" "), rule.by), rule: Some(rule.id) };
        let key = format!("rule-{question}");
        let command = Command::Answer { question: Some(question), decision: Decision::Allow };
        if let Err(problem) = self.do_once(live, &key, command, giver).await {
            tracing::warn!(problem = %problem.words(), "what a rule allows could not be allowed");
        }
    }
}
