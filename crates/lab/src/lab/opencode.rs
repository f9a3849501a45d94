//! OpenCode: sessions in its database.

use super::{Lab, LabError, said};
use crate::agents::{OPENCODE, OPENCODE_1_0, Release};
use crate::fixtures::{Inherited, SessionTruth};
use crate::script::Prompt;

const PROJECT: &str = "delta";

pub fn make(lab: &Lab) -> Result<Vec<SessionTruth>, LabError> {
    let truth = |id: &str, prompts, answers, tools| said("opencode", id, PROJECT, prompts, answers, tools);
    let mut sessions = Vec::new();
    let prompt = Prompt::new("Older work")
        .think("Thinking it over")
        .run("echo zebra-documents-needle")
        .write("older.txt", "hello")
        .say("Wrote older.txt");
    let id = run(lab, &OPENCODE_1_0, &[], &prompt)?;
    run(lab, &OPENCODE_1_0, &["--session", &id], &Prompt::new("And again").say("Again"))?;
    let needle = Some("zebra-documents-needle".to_owned());
    sessions.push(SessionTruth { needle, requests: Some(4), ..truth(&id, 2, 2, 2) });

    let prompt = Prompt::new("Write the file")
        .think("Thinking it over")
        .run("echo zebra-opencode-needle")
        .write("opencode.txt", "hello")
        .say("Wrote opencode.txt");
    let origin = run(lab, &OPENCODE, &[], &prompt)?;
    run(lab, &OPENCODE, &["--session", &origin], &Prompt::new("And again").say("Again"))?;
    sessions.push(SessionTruth {
        needle: Some("zebra-opencode-needle".to_owned()),
        requests: Some(4),
        ..truth(&origin, 2, 2, 2)
    });
    // A fork is a copy; that it is one stands in its title alone.
    let fork = run(
        lab,
        &OPENCODE,
        &["--session", &origin, "--fork"],
        &Prompt::new("Another way").say("Forked answer"),
    )?;
    sessions.push(SessionTruth {
        forked_from: Some(origin),
        inherited: Inherited { prompts: 2, answers: 2, tool_calls: 2 },
        requests: Some(1),
        ..truth(&fork, 1, 1, 0)
    });
    let helper = Prompt::new("Look around").run("pwd").say("The helper looked");
    let id = run(lab, &OPENCODE, &[], &Prompt::new("Ask a helper").helper(helper).say("The helper is back"))?;
    sessions.push(SessionTruth { subagents: 1, requests: Some(2), ..truth(&id, 1, 1, 1) });
    let id = run(lab, &OPENCODE, &[], &Prompt::new("This fails").fail(400))?;
    sessions.push(SessionTruth { errors: 1, requests: Some(0), ..truth(&id, 1, 0, 0) });

    let words = ["--title", "The named session"];
    let id = run(lab, &OPENCODE, &words, &Prompt::new("Has a name").run("false").say("Named"))?;
    let title = Some("The named session".to_owned());
    sessions.push(SessionTruth { title, requests: Some(2), ..truth(&id, 1, 1, 1) });

    let picture = lab.picture(PROJECT)?;
    let prompt = Prompt::new("What is in the picture?").say("One white dot");
    let id = run(lab, &OPENCODE, &["--file", &picture, "--"], &prompt)?;
    sessions.push(SessionTruth { requests: Some(1), ..truth(&id, 1, 1, 0) });

    let id = run(lab, &OPENCODE, &[], &Prompt::new("Before the interrupt").say("Said before"))?;
    let slow = Prompt::new("Too slow for OpenCode").wait(20).say("Never said");
    let words = ["run", "--format", "json", "--session", &id, slow.text()];
    lab.interrupted(&OPENCODE, PROJECT, &words, "Too slow for OpenCode")?;
    lab.note(&id, &slow);
    sessions.push(SessionTruth { requests: Some(1), ..truth(&id, 2, 1, 0) });
    Ok(sessions)
}

fn run(lab: &Lab, release: &Release, words: &[&str], prompt: &Prompt) -> Result<String, LabError> {
    let words = [&["run", "--format", "json"], words, &[prompt.text()]].concat();
    let ended = lab.agent(release, PROJECT, &words, "")?;
    let id = lab.id(release, &ended, "sessionID")?;
    // OpenCode 1.0 puts a prompt of more than one word into quotation marks.
    let is_quoted = *release == OPENCODE_1_0;
    lab.note(&id, &if is_quoted { Prompt::new(&format!("\"{}\"", prompt.text())) } else { prompt.clone() });
    Ok(id)
}
