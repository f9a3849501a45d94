//! Claude Code: every kind of transcript that a person's machine holds.

use serde_json::json;

use super::{Lab, LabError, said};
use crate::agents::{CLAUDE, CLAUDE_1_0, CLAUDE_2_0, Release};
use crate::fixtures::{Inherited, SessionTruth};
use crate::script::Prompt;

const PROJECT: &str = "beta";
const TOOLS: [&str; 4] = ["--permission-mode", "acceptEdits", "--allowedTools", "Bash,Write,Agent,Task"];

pub fn make(lab: &Lab) -> Result<Vec<SessionTruth>, LabError> {
    let truth = |id: &str, prompts, answers, tools| said("claude", id, PROJECT, prompts, answers, tools);
    let file = |name: &str| lab.project(PROJECT).join(name).display().to_string();
    let look = || Prompt::new("Look around").run("pwd").say("The helper looked");
    let mut sessions = Vec::new();
    for release in [CLAUDE_1_0, CLAUDE_2_0] {
        let prompt = Prompt::new("Older work")
            .think("Thinking it over")
            .run("echo zebra-legacy-needle")
            .write(&file(&format!("old-{}.txt", release.version)), "hello")
            .say("Wrote it");
        let id = print(lab, &release, PROJECT, &TOOLS, &prompt)?;
        let helper = Prompt::new("Ask a helper").helper(look()).say("The helper is back");
        print(lab, &release, PROJECT, &[&TOOLS[..], &["--resume", &id]].concat(), &helper)?;
        sessions.push(SessionTruth { needle: needle("legacy"), subagents: 1, ..truth(&id, 2, 2, 3) });
    }

    let id = print(lab, &CLAUDE, PROJECT, &[], &Prompt::new("Plan the index").say("A plan for the index"))?;
    sessions.push(SessionTruth { requests: Some(1), ..truth(&id, 1, 1, 0) });

    let prompt = Prompt::new("Write the file")
        .think("Thinking it over")
        .run("echo zebra-claude-needle")
        .write(&file("claude.txt"), "hello")
        .say("Wrote claude.txt");
    let origin = print(lab, &CLAUDE, PROJECT, &TOOLS, &prompt)?;
    let resume = [&TOOLS[..], &["--resume", &origin]].concat();
    print(lab, &CLAUDE, PROJECT, &resume, &Prompt::new("And again").run("false").say("It failed"))?;
    sessions.push(SessionTruth { needle: needle("claude"), requests: Some(5), ..truth(&origin, 2, 2, 3) });
    let words = ["--resume", &origin, "--fork-session"];
    let fork = print(lab, &CLAUDE, PROJECT, &words, &Prompt::new("Another way").say("Forked answer"))?;
    sessions.push(SessionTruth {
        forked_from: Some(origin),
        inherited: Inherited { prompts: 2, answers: 2, tool_calls: 3 },
        requests: Some(1),
        ..truth(&fork, 1, 1, 0)
    });

    let prompt = Prompt::new("Ask a helper").helper(look()).say("The helper is back");
    let id = print(lab, &CLAUDE, PROJECT, &TOOLS, &prompt)?;
    // The helper's end is told to the model, which answers once more.
    sessions.push(SessionTruth { subagents: 1, ..truth(&id, 1, 2, 1) });

    let id = print(lab, &CLAUDE, PROJECT, &[], &Prompt::new("A talk to compact").say("Said before"))?;
    lab.agent(&CLAUDE, PROJECT, &["-p", "/compact", "--resume", &id, "--output-format", "json"], "")?;
    print(lab, &CLAUDE, PROJECT, &["--resume", &id], &Prompt::new("Goes on").say("Said after"))?;
    sessions.push(truth(&id, 2, 2, 0));

    let prompt = Prompt::new("Not allowed").run("rm -rf /nowhere").say("So it was refused");
    let id = print(lab, &CLAUDE, PROJECT, &[], &prompt)?;
    sessions.push(truth(&id, 1, 1, 1));

    let words = ["--name", "The named session"];
    let id = print(lab, &CLAUDE, PROJECT, &words, &Prompt::new("Has a name").say("Named"))?;
    sessions.push(SessionTruth { title: Some("The named session".to_owned()), ..truth(&id, 1, 1, 0) });

    let id = print(lab, &CLAUDE, PROJECT, &[], &Prompt::new("This fails").fail(400))?;
    sessions.push(SessionTruth { errors: 1, ..truth(&id, 1, 0, 0) });

    let id = "0b0b0b0b-0000-4000-8000-000000000001";
    let slow = Prompt::new("Too slow for Claude").wait(12).say("Never said");
    let words = ["-p", slow.text(), "--session-id", id, "--output-format", "json"];
    lab.interrupted(&CLAUDE, PROJECT, &words, "Too slow for Claude")?;
    sessions.push(truth(id, 1, 0, 0));

    let deepest = Prompt::new("Look deeper").run("echo zebra-deep-needle").say("The deepest looked");
    let middle = Prompt::new("Let someone look").helper(deepest).say("Someone looked");
    let prompt = Prompt::new("Ask a helper that asks one").helper(middle).say("All are back");
    let id = print(lab, &CLAUDE, PROJECT, &TOOLS, &prompt)?;
    sessions.push(SessionTruth { subagents: 1, is_tree: true, ..truth(&id, 1, 2, 1) });

    let id = picture(lab)?;
    sessions.push(truth(&id, 1, 1, 0));

    let prompt = Prompt::new("Unicode: naïve café 漢字 🦀").say("Grüße, 世界 🦀");
    let id = print(lab, &CLAUDE, "gamma", &[], &prompt)?;
    sessions.push(SessionTruth { requests: Some(1), ..said("claude", &id, "gamma", 1, 1, 0) });
    Ok(sessions)
}

fn needle(name: &str) -> Option<String> {
    Some(format!("zebra-{name}-needle"))
}

/// Runs one turn in print mode.
fn print(
    lab: &Lab,
    release: &Release,
    project: &str,
    words: &[&str],
    prompt: &Prompt,
) -> Result<String, LabError> {
    let words = [&["-p", prompt.text()], words, &["--output-format", "json"]].concat();
    let ended = lab.agent(release, project, &words, "")?;
    lab.id(release, &ended, "session_id")
}

/// Sends a picture, which print mode takes as a message only.
fn picture(lab: &Lab) -> Result<String, LabError> {
    let prompt = Prompt::new("What is in the picture?").say("One white dot");
    let source = json!({"type": "base64", "media_type": "image/png", "data": DOT});
    let content = json!([{"type": "text", "text": prompt.text()}, {"type": "image", "source": source}]);
    let message = json!({"type": "user", "message": {"role": "user", "content": content}});
    let words = ["-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose"];
    let ended = lab.agent(&CLAUDE, PROJECT, &words, &format!("{message}\n"))?;
    lab.id(&CLAUDE, &ended, "session_id")
}

/// One white dot as a picture.
const DOT: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVQI12P4//8/AAX+Av7czFnnAAAAAElFTkSuQmCC";
