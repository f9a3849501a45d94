//! What a scripted model does for plain prompts, held by the server and not written in the prompt.
//!
//! A scenario is a list of scenes: the words of a prompt, and the replies to it in order. Which reply is next is told
//! by how often the model has spoken since that prompt. What a reply does is told in the words of [`Act`]; the server
//! finds the tool among those that the agent offers.

use std::path::PathBuf;

/// Scenes; the one with the longest prompt that the asked one holds is played.
#[derive(Debug, Clone, Default)]
pub struct Scenario {
    /// All of them, in no order.
    pub scenes: Vec<Scene>,
    /// What is found on the web.
    pub finds: Vec<Find>,
}

/// A prompt and what the model does.
#[derive(Debug, Clone, Default)]
pub struct Scene {
    /// The words of the prompt, whole.
    pub prompt: String,
    /// Where its relative paths begin.
    pub root: PathBuf,
    /// What the session is called when the agent asks for a name.
    pub title: Option<String>,
    /// What the conversation is summed up to when the agent compacts it right after.
    pub summary: Option<String>,
    /// The replies.
    pub beats: Vec<Beat>,
}

/// One reply of the model.
#[derive(Debug, Clone, Default)]
pub struct Beat {
    /// Reasoning.
    pub thought: Option<String>,
    /// Said before anything is called.
    pub words: Option<String>,
    /// Called together.
    pub acts: Vec<Act>,
    /// Fails once before it is given.
    pub fail: Option<(u16, String)>,
    /// Comes only after so many seconds.
    pub wait: u64,
}

/// What is found for one question.
#[derive(Debug, Clone, Default)]
pub struct Find {
    /// The question.
    pub query: String,
    /// Titles and addresses.
    pub pages: Vec<(String, String)>,
    /// What they say.
    pub text: String,
}

/// Something a tool is called for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Runs a command.
    Run {
        /// The command.
        command: String,
        /// What for.
        why: String,
    },
    /// Runs a command for which leave is to be asked.
    Ask {
        /// The command.
        command: String,
    },
    /// Reads a file, all of it or so many lines from one on.
    Read {
        /// Which.
        path: String,
        /// First line and number of lines.
        lines: Option<(u64, u64)>,
    },
    /// Looks for a pattern.
    Find {
        /// What.
        pattern: String,
        /// Where.
        path: String,
    },
    /// Writes a file.
    Write {
        /// Where.
        path: String,
        /// What.
        content: String,
    },
    /// Changes a file.
    Edit {
        /// Which.
        path: String,
        /// Lines of a hunk, each with a blank, a minus or a plus before it.
        hunk: String,
    },
    /// Writes the list of what is to be done: `[x] done`, `[>] at it`, `[ ] later`, a line each.
    Todo(String),
    /// Looks something up.
    Web(String),
    /// Lets a sub-agent do something.
    Helper {
        /// A few words.
        name: String,
        /// Its prompt.
        prompt: String,
    },
}

impl Scenario {
    /// The scene of a prompt.
    pub fn scene(&self, prompt: &str) -> Option<(usize, &Scene)> {
        let fitting = self.scenes.iter().enumerate().filter(|(_, scene)| prompt.contains(&scene.prompt));
        fitting.max_by_key(|(_, scene)| scene.prompt.len())
    }

    /// What is found for a question.
    pub fn find(&self, question: &str) -> Option<&Find> {
        self.finds.iter().find(|find| question.contains(&find.query))
    }
}
