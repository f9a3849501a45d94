//! Claude Code: every kind of transcript that a person's machine holds.

use serde_json::{Value, json};

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
        sessions.push(SessionTruth {
            needle: needle("legacy"),
            subagents: 1,
            requests: Some(5),
            ..truth(&id, 2, 2, 3)
        });
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
    sessions.push(SessionTruth { subagents: 1, requests: Some(3), ..truth(&id, 1, 2, 1) });

    let id = print(lab, &CLAUDE, PROJECT, &[], &Prompt::new("A talk to compact").say("Said before"))?;
    lab.agent(&CLAUDE, PROJECT, &["-p", "/compact", "--resume", &id, "--output-format", "json"], "")?;
    print(lab, &CLAUDE, PROJECT, &["--resume", &id], &Prompt::new("Goes on").say("Said after"))?;
    // Nothing in the transcript says what the summary cost.
    sessions.push(SessionTruth { requests: Some(2), ..truth(&id, 2, 2, 0) });

    let prompt = Prompt::new("Not allowed").run("rm -rf /nowhere").say("So it was refused");
    let id = print(lab, &CLAUDE, PROJECT, &[], &prompt)?;
    sessions.push(SessionTruth { requests: Some(2), ..truth(&id, 1, 1, 1) });

    let words = ["--name", "The named session"];
    let id = print(lab, &CLAUDE, PROJECT, &words, &Prompt::new("Has a name").say("Named"))?;
    let title = Some("The named session".to_owned());
    sessions.push(SessionTruth { title, requests: Some(1), ..truth(&id, 1, 1, 0) });

    let id = print(lab, &CLAUDE, PROJECT, &[], &Prompt::new("This fails").fail(400))?;
    sessions.push(SessionTruth { errors: 1, requests: Some(0), ..truth(&id, 1, 0, 0) });

    let id = "0b0b0b0b-0000-4000-8000-000000000001";
    let slow = Prompt::new("Too slow for Claude").wait(12).say("Never said");
    let words = ["-p", slow.text(), "--session-id", id, "--output-format", "json"];
    lab.interrupted(&CLAUDE, PROJECT, &words, "Too slow for Claude")?;
    lab.note(id, &slow);
    sessions.push(SessionTruth { requests: Some(0), ..truth(id, 1, 0, 0) });

    let deepest = Prompt::new("Look deeper").run("echo zebra-deep-needle").say("The deepest looked");
    let middle = Prompt::new("Let someone look").helper(deepest).say("Someone looked");
    let prompt = Prompt::new("Ask a helper that asks one").helper(middle).say("All are back");
    let id = print(lab, &CLAUDE, PROJECT, &TOOLS, &prompt)?;
    sessions.push(SessionTruth { subagents: 1, is_tree: true, requests: Some(3), ..truth(&id, 1, 2, 1) });

    let prompt = Prompt::new("What is in the picture?").say("One white dot");
    let source = json!({"type": "base64", "media_type": "image/png", "data": DOT});
    let content = json!([{"type": "text", "text": prompt.text()}, {"type": "image", "source": source}]);
    let id = messages(lab, &[(&prompt, content)])?;
    sessions.push(SessionTruth { requests: Some(1), ..truth(&id, 1, 1, 0) });

    // The second comes while the first is worked on, and is told to the model on the way.
    let first = Prompt::new("The first of two").run("sleep 1").say("The first answer");
    let second = Prompt::new("The second of two");
    let id = messages(lab, &[(&first, first.text().into()), (&second, second.text().into())])?;
    sessions.push(SessionTruth { requests: Some(2), ..truth(&id, 2, 1, 1) });

    // Two ways on from one answer, in one file.
    let id = print(lab, &CLAUDE, PROJECT, &[], &Prompt::new("The way so far").say("At the fork"))?;
    let at = last_answer(lab, &id)?;
    print(lab, &CLAUDE, PROJECT, &["--resume", &id], &Prompt::new("One way").say("Went one way"))?;
    let words = ["--resume", &id, "--resume-session-at", &at];
    print(lab, &CLAUDE, PROJECT, &words, &Prompt::new("The other way").say("Went the other"))?;
    sessions.push(SessionTruth { requests: Some(3), ..truth(&id, 3, 3, 0) });

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
    let id = lab.id(release, &ended, "session_id")?;
    lab.note(&id, prompt);
    Ok(id)
}

/// Sends messages one after the other without waiting, as only a stream of them can.
fn messages(lab: &Lab, said: &[(&Prompt, Value)]) -> Result<String, LabError> {
    let line = |(_, content): &(&Prompt, Value)| {
        let message = json!({"type": "user", "message": {"role": "user", "content": content}});
        format!("{message}\n")
    };
    let fixed = ["-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose"];
    let lines: String = said.iter().map(line).collect();
    let ended = lab.agent(&CLAUDE, PROJECT, &[&fixed[..], &TOOLS].concat(), &lines)?;
    let id = lab.id(&CLAUDE, &ended, "session_id")?;
    said.iter().for_each(|(prompt, _)| lab.note(&id, prompt));
    Ok(id)
}

/// The record of the last answer so far.
fn last_answer(lab: &Lab, id: &str) -> Result<String, LabError> {
    let folder =
        lab.project(PROJECT).display().to_string().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    let path = lab.home().join(".claude/projects").join(folder).join(format!("{id}.jsonl"));
    let text = std::fs::read_to_string(path)?;
    let records = text.lines().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut answers = records.filter(|record| record["type"] == "assistant");
    let answer = answers.next().ok_or_else(|| std::io::Error::other(format!("{id} has no answer")))?;
    Ok(answer["uuid"].as_str().unwrap_or_default().to_owned())
}

/// One white dot as a picture.
const DOT: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVQI12P4//8/AAX+Av7czFnnAAAAAElFTkSuQmCC";
