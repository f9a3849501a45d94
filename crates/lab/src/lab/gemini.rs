//! Gemini CLI: documents of older releases, lines of newer ones.

use super::{Lab, LabError, said};
use crate::agents::{GEMINI, GEMINI_0_25, Release};
use crate::fixtures::SessionTruth;
use crate::script::Prompt;

const PROJECT: &str = "gamma";

pub fn make(lab: &Lab) -> Result<Vec<SessionTruth>, LabError> {
    let truth = |id: &str, prompts, answers, tools| said("gemini", id, PROJECT, prompts, answers, tools);
    let work = |name: &str| {
        Prompt::new("Write the page")
            .think("Thinking it over")
            .run(&format!("echo zebra-{name}-needle"))
            .write(&format!("{name}.txt"), "hello")
            .say("Wrote the page")
    };
    let mut sessions = Vec::new();
    lab.picture(PROJECT)?;
    let id = print(lab, &GEMINI_0_25, &[], &work("document"))?;
    sessions.push(SessionTruth {
        needle: Some("zebra-document-needle".to_owned()),
        requests: Some(3),
        ..truth(&id, 1, 1, 2)
    });

    // It hands back its answer by a tool.
    let helper = Prompt::new("Look around").say("The helper looked");
    let id = print(lab, &GEMINI, &[], &Prompt::new("Ask a helper").helper(helper).say("The helper is back"))?;
    sessions.push(SessionTruth { subagents: 1, requests: Some(2), ..truth(&id, 1, 1, 1) });

    // No session that fails after a resume: Gemini CLI 0.61 sometimes deletes its file then.
    let id = print(lab, &GEMINI, &[], &Prompt::new("What is in @dot.png").say("One white dot"))?;
    sessions.push(SessionTruth { requests: Some(1), ..truth(&id, 1, 1, 0) });

    let id = print(lab, &GEMINI, &[], &Prompt::new("Plan the page").say("A plan for the page"))?;
    sessions.push(SessionTruth { requests: Some(1), ..truth(&id, 1, 1, 0) });

    let id = print(lab, &GEMINI, &[], &work("gemini"))?;
    print(lab, &GEMINI, &["--resume", &id], &Prompt::new("And again").say("Again"))?;
    sessions.push(SessionTruth {
        needle: Some("zebra-gemini-needle".to_owned()),
        requests: Some(4),
        ..truth(&id, 2, 2, 2)
    });
    Ok(sessions)
}

fn print(lab: &Lab, release: &Release, words: &[&str], prompt: &Prompt) -> Result<String, LabError> {
    let fixed = ["-m", "gemini-2.5-flash", "--yolo", "-o", "stream-json"];
    let words = [&fixed[..], words, &["-p", prompt.text()]].concat();
    let ended = lab.agent(release, PROJECT, &words, "")?;
    let id = lab.id(release, &ended, "session_id")?;
    lab.note(&id, prompt);
    Ok(id)
}
