//! Qwen Code: a tree of records, a file a session.

use super::{Lab, LabError, said};
use crate::agents::QWEN;
use crate::fixtures::SessionTruth;
use crate::script::Prompt;

const PROJECT: &str = "epsilon";

pub fn make(lab: &Lab) -> Result<Vec<SessionTruth>, LabError> {
    let truth = |id: &str, prompts, answers, tools| said("qwen", id, PROJECT, prompts, answers, tools);
    let file = lab.project(PROJECT).join("qwen.txt").display().to_string();
    let prompt = Prompt::new("Write the file")
        .run("echo zebra-qwen-needle")
        .write(&file, "hello")
        .say("Wrote qwen.txt");
    let id = print(lab, &[], &prompt)?;
    print(lab, &["--resume", &id], &Prompt::new("And again").run("false").say("It failed"))?;
    let worked = SessionTruth { needle: Some("zebra-qwen-needle".to_owned()), ..truth(&id, 2, 2, 3) };
    let id = print(lab, &[], &Prompt::new("This fails").fail(400))?;
    Ok(vec![worked, SessionTruth { errors: 1, ..truth(&id, 1, 0, 0) }])
}

fn print(lab: &Lab, words: &[&str], prompt: &Prompt) -> Result<String, LabError> {
    let words = [&["--yolo", "-o", "stream-json"], words, &["-p", prompt.text()]].concat();
    let ended = lab.agent(&QWEN, PROJECT, &words, "")?;
    lab.id(&QWEN, &ended, "session_id")
}
