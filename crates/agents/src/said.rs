//! A conversation in no agent's format: what one agent hands over to another.

use marline_model::{Timestamp, ToolStatus};
use serde_json::Value;

use crate::action::Action;
use crate::image::Image;

/// One thing that was said or done.
#[derive(Debug, Clone)]
pub struct Said {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// What was said or done.
#[derive(Debug, Clone)]
pub enum What {
    /// A person said this.
    Prompt {
        /// The words.
        text: String,
        /// Pictures that came with them.
        images: Vec<Image>,
    },
    /// The agent said this.
    Answer {
        /// The words.
        text: String,
        /// The model that said it, if that is known.
        model: Option<String>,
    },
    /// The agent called a tool.
    Call(Call),
}

/// A call of a tool, with its output.
#[derive(Debug, Clone)]
pub struct Call {
    /// The tool's name as its agent writes it.
    pub tool: String,
    /// The input as the agent wrote it.
    pub input: String,
    /// The output; empty where none was recorded.
    pub output: String,
    /// How it ended.
    pub status: ToolStatus,
}

impl Call {
    /// The command, and where, if it runs one: every agent has a tool for that.
    pub fn command(&self) -> Option<(String, Option<String>)> {
        match Action::of(&self.tool, &self.input) {
            Action::Command { command, cwd } => Some((command, cwd)),
            _ => None,
        }
    }

    /// The input as a JSON object: models are told of no other.
    pub(crate) fn arguments(&self) -> Value {
        match serde_json::from_str(&self.input) {
            Ok(Value::Object(fields)) => Value::Object(fields),
            _ => serde_json::json!({"input": self.input}),
        }
    }

    /// The tool's name as models may be told it: letters, digits, `_` and `-`, at most 64.
    pub(crate) fn name(&self) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
        let name: String = self.tool.chars().map(plain).take(64).collect();
        if name.is_empty() { "tool".to_owned() } else { name }
    }

    /// The output in words: also where there is none.
    pub(crate) fn outcome(&self) -> &str {
        match self.status {
            _ if !self.output.is_empty() => &self.output,
            ToolStatus::Completed => "(no output)",
            ToolStatus::Pending => "(how it ended was not recorded)",
            ToolStatus::Failed => "(it failed)",
            ToolStatus::Declined => "(it was declined)",
        }
    }
}
