//! Qwen Code: a tree of records, a file a session.

use super::{Lab, LabError, said};
use crate::agents::QWEN;
use crate::fixtures::{Inherited, SessionTruth};
use crate::script::Prompt;

const PROJECT: &str = "epsilon";

pub fn make(lab: &Lab) -> Result<Vec<SessionTruth>, LabError> {
    let truth = |id: &str, prompts, answers, tools| said("qwen", id, PROJECT, prompts, answers, tools);
    let mut sessions = Vec::new();
    let file = lab.project(PROJECT).join("qwen.txt").display().to_string();
    let prompt = Prompt::new("Write the file")
        .think("Thinking it over")
        .run("echo zebra-qwen-needle")
        .write(&file, "hello")
        .say("Wrote qwen.txt");
    let origin = print(lab, &[], &prompt)?;
    print(lab, &["--resume", &origin], &Prompt::new("And again").run("false").say("It failed"))?;
    let needle = Some("zebra-qwen-needle".to_owned());
    sessions.push(SessionTruth { needle, requests: Some(5), ..truth(&origin, 2, 2, 3) });
    let words = ["--resume", &origin, "--fork-session"];
    let fork = print(lab, &words, &Prompt::new("Another way").say("Forked answer"))?;
    sessions.push(SessionTruth {
        forked_from: Some(origin),
        inherited: Inherited { prompts: 2, answers: 2, tool_calls: 3 },
        requests: Some(1),
        ..truth(&fork, 1, 1, 0)
    });
    let id = print(lab, &[], &Prompt::new("This fails").fail(400))?;
    sessions.push(SessionTruth { errors: 1, requests: Some(0), ..truth(&id, 1, 0, 0) });

    let helper = Prompt::new("Look around").run("pwd").say("The helper looked");
    // The helper's end is told to the model, which answers once more.
    let id = print(lab, &[], &Prompt::new("Ask a helper").helper(helper).say("The helper is back"))?;
    sessions.push(SessionTruth { subagents: 1, requests: Some(3), ..truth(&id, 1, 2, 1) });

    let id = "0e0e0e0e-0000-4000-8000-000000000001";
    let slow = Prompt::new("Too slow for Qwen").wait(20).say("Never said");
    let words = ["--yolo", "-o", "stream-json", "--session-id", id, "-p", slow.text()];
    lab.interrupted(&QWEN, PROJECT, &words, "Too slow for Qwen")?;
    lab.note(id, &slow);
    sessions.push(SessionTruth { requests: Some(0), ..truth(id, 1, 0, 0) });
    Ok(sessions)
}

fn print(lab: &Lab, words: &[&str], prompt: &Prompt) -> Result<String, LabError> {
    let words = [&["--yolo", "-o", "stream-json"], words, &["-p", prompt.text()]].concat();
    let ended = lab.agent(&QWEN, PROJECT, &words, "")?;
    let id = lab.id(&QWEN, &ended, "session_id")?;
    lab.note(&id, prompt);
    Ok(id)
}
