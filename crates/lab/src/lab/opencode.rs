//! OpenCode: sessions in its database.

use super::{Lab, LabError, said};
use crate::agents::OPENCODE;
use crate::fixtures::{Inherited, SessionTruth};
use crate::script::Prompt;

const PROJECT: &str = "delta";

pub fn make(lab: &Lab) -> Result<Vec<SessionTruth>, LabError> {
    let truth = |id: &str, prompts, answers, tools| said("opencode", id, PROJECT, prompts, answers, tools);
    let mut sessions = Vec::new();
    let prompt = Prompt::new("Write the file")
        .run("echo zebra-opencode-needle")
        .write("opencode.txt", "hello")
        .say("Wrote opencode.txt");
    let origin = run(lab, &[], &prompt)?;
    run(lab, &["--session", &origin], &Prompt::new("And again").say("Again"))?;
    sessions.push(SessionTruth {
        needle: Some("zebra-opencode-needle".to_owned()),
        requests: Some(4),
        ..truth(&origin, 2, 2, 2)
    });
    // A fork is a copy; that it is one stands in its title alone.
    let fork = run(lab, &["--session", &origin, "--fork"], &Prompt::new("Another way").say("Forked answer"))?;
    sessions.push(SessionTruth {
        forked_from: Some(origin),
        inherited: Inherited { prompts: 2, answers: 2, tool_calls: 2 },
        ..truth(&fork, 1, 1, 0)
    });
    let helper = Prompt::new("Look around").run("pwd").say("The helper looked");
    let id = run(lab, &[], &Prompt::new("Ask a helper").helper(helper).say("The helper is back"))?;
    sessions.push(SessionTruth { subagents: 1, ..truth(&id, 1, 1, 1) });
    let id = run(lab, &[], &Prompt::new("This fails").fail(400))?;
    sessions.push(SessionTruth { errors: 1, ..truth(&id, 1, 0, 0) });
    Ok(sessions)
}

fn run(lab: &Lab, words: &[&str], prompt: &Prompt) -> Result<String, LabError> {
    let words = [&["run", "--format", "json"], words, &[prompt.text()]].concat();
    let ended = lab.agent(&OPENCODE, PROJECT, &words, "")?;
    lab.id(&OPENCODE, &ended, "sessionID")
}
