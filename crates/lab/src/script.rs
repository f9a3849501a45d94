//! What a scripted model does for a prompt, written in the prompt itself, so that every run is the same.
//!
//! A prompt is words and steps, each step in double braces: `Write it {{run: echo hi}}{{say: Done}}`. Tools are called
//! one a request, in order; what is said comes after the last. Steps for a helper stand inside the helper's step with
//! a backslash between the braces, one more for each level.

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Reasons before anything else.
    Think(String),
    /// Calls the agent's shell.
    Run(String),
    /// The same, with leave to be asked for where the agent would not ask by itself.
    Ask(String),
    /// Calls the agent's tool that writes files.
    Write {
        /// Where.
        path: String,
        /// What.
        content: String,
    },
    /// Calls a tool by the name that one agent has for it.
    Call {
        /// Its name.
        name: String,
        /// An object, as JSON.
        input: String,
    },
    /// Starts a sub-agent with this prompt.
    Helper(String),
    /// Says something.
    Say(String),
    /// Answers only after so many seconds.
    Wait(u64),
    /// Fails with this HTTP status.
    Fail(u16),
}

/// A prompt that is being written.
#[derive(Debug, Clone)]
pub struct Prompt(String);

impl Prompt {
    /// Begins with what a person would write.
    pub fn new(words: &str) -> Self {
        Prompt(words.to_owned())
    }

    fn step(mut self, word: &str, value: &str) -> Self {
        let space = if self.0.ends_with("}}") { "" } else { " " };
        self.0 += &format!("{space}{{{{{word}: {value}}}}}");
        self
    }

    /// Adds [`Step::Think`].
    pub fn think(self, thought: &str) -> Self {
        self.step("think", thought)
    }

    /// Adds [`Step::Run`].
    pub fn run(self, command: &str) -> Self {
        self.step("run", command)
    }

    /// Adds [`Step::Ask`].
    pub fn ask(self, command: &str) -> Self {
        self.step("ask", command)
    }

    /// Adds [`Step::Write`].
    pub fn write(self, path: &str, content: &str) -> Self {
        self.step("write", &format!("{path} = {content}"))
    }

    /// Adds [`Step::Call`].
    pub fn call(self, name: &str, input: &serde_json::Value) -> Self {
        // Blanks keep its braces apart: two of them end the step. None stand in its texts.
        let input = input.to_string().replace("{{", "{ {").replace("}}", "} }").replace("}}", "} }");
        self.step("call", &format!("{name} = {input} "))
    }

    /// Adds [`Step::Helper`].
    pub fn helper(self, prompt: Prompt) -> Self {
        let inside = prompt.0.replace("\\{", "\\\\{").replace("\\}", "\\\\}");
        // The blank keeps its last brace apart from those that end the step.
        self.step("helper", &(inside.replace("{{", "{\\{").replace("}}", "}\\}") + " "))
    }

    /// Adds [`Step::Say`].
    pub fn say(self, words: &str) -> Self {
        self.step("say", words)
    }

    /// Adds [`Step::Wait`].
    pub fn wait(self, seconds: u64) -> Self {
        self.step("wait", &seconds.to_string())
    }

    /// Adds [`Step::Fail`].
    pub fn fail(self, status: u16) -> Self {
        self.step("fail", &status.to_string())
    }

    /// What is said in the end; nothing is by a model that fails, or that nobody waits for.
    pub fn answer(&self) -> Option<String> {
        let steps = steps(&self.0);
        let is_silent = steps.iter().any(|step| matches!(step, Step::Fail(_) | Step::Wait(_)));
        steps.into_iter().find_map(|step| match step {
            Step::Say(words) if !is_silent => Some(words),
            _ => None,
        })
    }

    /// The whole prompt.
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// Reads the steps of a prompt; what is no step is passed over.
pub fn steps(prompt: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut rest = prompt;
    while let Some((_, after)) = rest.split_once("{{") {
        let Some((inside, after)) = after.split_once("}}") else { break };
        rest = after;
        let Some((word, value)) = inside.split_once(": ") else { continue };
        let value = value.to_owned();
        steps.extend(match word {
            "think" => Some(Step::Think(value)),
            "run" => Some(Step::Run(value)),
            "ask" => Some(Step::Ask(value)),
            "write" => value
                .split_once(" = ")
                .map(|(path, content)| Step::Write { path: path.to_owned(), content: content.to_owned() }),
            "call" => value
                .split_once(" = ")
                .map(|(name, input)| Step::Call { name: name.to_owned(), input: input.to_owned() }),
            "helper" => Some(Step::Helper(one_level_up(value.trim_end()))),
            "say" => Some(Step::Say(value)),
            "wait" => value.parse().ok().map(Step::Wait),
            "fail" => value.parse().ok().map(Step::Fail),
            _ => None,
        });
    }
    steps
}

/// Takes one backslash out of each pair of braces.
fn one_level_up(inside: &str) -> String {
    inside.replace("{\\", "{").replace("}\\", "}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let inner = Prompt::new("Deeper").run("pwd").say("It is deep");
        let input = serde_json::json!({"a": [{"b": {"c": {}}}, {"d": {"e": {"f": {"g": 1}}}}]});
        let helper = Prompt::new("Look").run("ls").helper(inner.clone()).say("Looked");
        let prompt = Prompt::new("Write")
            .call("Ask", &input)
            .think("Hm")
            .write("a b.txt", "x = y")
            .helper(helper.clone())
            .say("Done")
            .wait(2);
        let read = steps(prompt.text());
        assert_eq!(read.len(), 6);
        let Step::Call { name, input: called } = &read[0] else { panic!("no call") };
        assert_eq!(
            (name.as_str(), serde_json::from_str::<serde_json::Value>(called).unwrap()),
            ("Ask", input)
        );
        assert_eq!(read[1], Step::Think("Hm".to_owned()));
        assert_eq!(read[2], Step::Write { path: "a b.txt".to_owned(), content: "x = y".to_owned() });
        assert_eq!(read[3], Step::Helper(helper.text().to_owned()));
        assert_eq!(read[5], Step::Wait(2));
        assert_eq!((prompt.answer(), helper.answer()), (None, Some("Looked".to_owned())));
        let Step::Helper(of_helper) = &steps(helper.text())[1] else { panic!("no helper") };
        assert_eq!(of_helper, inner.text());
    }
}
