//! Qwen Code: a tree of records, a file a session.

use super::{Lab, LabError, said};
use crate::agents::QWEN;
use crate::fixtures::SessionTruth;
use crate::script::Prompt;

const PROJECT: &str = "epsilon";

pub fn make(lab: &Lab) -> Result<Vec<SessionTruth>, LabError> {
    let truth = |id: &str, prompts, answers, tools| said("qwen", id, PROJECT, prompts, answers, tools);
    let mut sessions = Vec::new();
    let file = lab.project(PROJECT).join("qwen.txt").display().to_string();
    let prompt = Prompt::new("Write the file")
        .run("echo zebra-qwen-needle")
        .write(&file, "hello")
        .say("Wrote qwen.txt");
    let origin = print(lab, &[], &prompt)?;
    print(lab, &["--resume", &origin], &Prompt::new("And again").run("false").say("It failed"))?;
    let needle = Some("zebra-qwen-needle".to_owned());
    sessions.push(SessionTruth { needle, requests: Some(5), ..truth(&origin, 2, 2, 3) });
    let id = print(lab, &[], &Prompt::new("This fails").fail(400))?;
    sessions.push(SessionTruth { errors: 1, requests: Some(0), ..truth(&id, 1, 0, 0) });

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
