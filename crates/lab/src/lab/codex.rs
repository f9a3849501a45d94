//! Codex: every kind of rollout that a person's machine holds.

use std::fs;
use std::path::{Path, PathBuf};

use super::app_server::AppServer;
use super::{Lab, LabError, said};
use crate::agents::{CODEX, CODEX_0_80, CODEX_0_130, Release};
use crate::fixtures::{Inherited, SessionTruth};
use crate::script::Prompt;

const PROJECT: &str = "alpha";
pub fn make(lab: &Lab) -> Result<Vec<SessionTruth>, LabError> {
    let truth = |id: &str, prompts, answers, tools| said("codex", id, PROJECT, prompts, answers, tools);
    let mut sessions = Vec::new();
    for release in [CODEX_0_80, CODEX_0_130] {
        let prompt = Prompt::new("Legacy work")
            .think("Thinking it over")
            .run("echo zebra-legacy-needle")
            .write("legacy.txt", release.version)
            .say("Wrote legacy.txt");
        let id = exec(lab, &release, &["-m", "lab-model"], &prompt)?;
        let again = Prompt::new("And again").say("Again");
        exec(lab, &release, &["-m", "lab-model", "resume", &id], &again)?;
        sessions.push(SessionTruth { needle: needle("legacy"), requests: Some(4), ..truth(&id, 2, 2, 2) });
    }

    let id = exec(lab, &CODEX, &[], &Prompt::new("Plan the parser").say("A plan for the parser"))?;
    sessions.push(SessionTruth { requests: Some(1), ..truth(&id, 1, 1, 0) });

    let prompt = Prompt::new("Write the file")
        .think("Thinking it over")
        .run("echo zebra-codex-needle")
        .write("codex.txt", "hello")
        .say("Wrote codex.txt");
    let origin = exec(lab, &CODEX, &[], &prompt)?;
    exec(lab, &CODEX, &["resume", &origin], &Prompt::new("And again").run("false").say("It failed"))?;
    sessions.push(SessionTruth { needle: needle("codex"), requests: Some(5), ..truth(&origin, 2, 2, 3) });
    let fork = exec(lab, &CODEX, &["fork", &origin], &Prompt::new("Another way").say("Forked answer"))?;
    sessions.push(SessionTruth {
        forked_from: Some(origin),
        inherited: Inherited { prompts: 2, answers: 2, tool_calls: 3 },
        requests: Some(1),
        ..truth(&fork, 1, 1, 0)
    });
    let twice = exec(lab, &CODEX, &["fork", &fork], &Prompt::new("A third way").say("Forked twice"))?;
    sessions.push(SessionTruth {
        forked_from: Some(fork),
        inherited: Inherited { prompts: 3, answers: 3, tool_calls: 3 },
        requests: Some(1),
        ..truth(&twice, 1, 1, 0)
    });

    let id = exec(lab, &CODEX, &[], &Prompt::new("This fails").fail(400))?;
    sessions.push(SessionTruth { errors: 1, requests: Some(0), ..truth(&id, 1, 0, 0) });

    let slow = Prompt::new("Too slow for Codex").wait(20).say("Never said");
    let words = ["exec", "--json", "--skip-git-repo-check", slow.text()];
    let ended = lab.interrupted(&CODEX, PROJECT, &words, "Too slow for Codex")?;
    let id = lab.id(&CODEX, &ended, "thread_id")?;
    lab.note(&id, &slow);
    sessions.push(truth(&id, 1, 0, 0));

    let helper = Prompt::new("Look around").run("pwd").say("The helper looked");
    let id = exec(lab, &CODEX, &[], &Prompt::new("Ask a helper").helper(helper).say("The helper is back"))?;
    sessions.push(SessionTruth { subagents: 1, requests: Some(3), ..truth(&id, 1, 1, 2) });

    let picture = format!("--image={}", lab.picture(PROJECT)?);
    let id = exec(lab, &CODEX, &[&picture], &Prompt::new("What is in the picture?").say("One white dot"))?;
    sessions.push(SessionTruth { requests: Some(1), ..truth(&id, 1, 1, 0) });

    // It is offered no tool for files, and writes by a command.
    let prompt =
        Prompt::new("A model that Codex does not know").write("unknown.txt", "hello").say("Wrote it");
    let id = exec(lab, &CODEX, &["-m", "lab-model"], &prompt)?;
    sessions.push(SessionTruth { requests: Some(2), ..truth(&id, 1, 1, 1) });

    let id = exec(lab, &CODEX, &[], &Prompt::new("Old work").say("Done long ago"))?;
    lab.agent(&CODEX, PROJECT, &["archive", &id], "")?;
    sessions.push(SessionTruth { archived: true, requests: Some(1), ..truth(&id, 1, 1, 0) });

    sessions.extend(AppServer::tour(lab, PROJECT)?);

    let id = exec(lab, &CODEX, &[], &Prompt::new("Cold work").say("Compressed since"))?;
    compress(&lab.home().join(".codex/sessions"), &id)?;
    sessions.push(SessionTruth { requests: Some(1), ..truth(&id, 1, 1, 0) });
    Ok(sessions)
}

fn needle(name: &str) -> Option<String> {
    Some(format!("zebra-{name}-needle"))
}

/// Runs one turn; options and a subcommand stand before the prompt.
fn exec(lab: &Lab, release: &Release, words: &[&str], prompt: &Prompt) -> Result<String, LabError> {
    let words = [&["exec", "--json", "--skip-git-repo-check"], words, &["--", prompt.text()]].concat();
    let ended = lab.agent(release, PROJECT, &words, "")?;
    let id = lab.id(release, &ended, "thread_id")?;
    lab.note(&id, prompt);
    Ok(id)
}

/// Compresses a rollout as Codex does with one that was not touched for long.
fn compress(sessions: &Path, id: &str) -> Result<(), LabError> {
    let path =
        rollout(sessions, id).ok_or_else(|| std::io::Error::other(format!("there is no rollout of {id}")))?;
    let modified = fs::metadata(&path)?.modified()?;
    let packed = PathBuf::from(format!("{}.zst", path.display()));
    fs::write(&packed, zstd::encode_all(&fs::read(&path)?[..], 3)?)?;
    fs::File::options().write(true).open(&packed)?.set_modified(modified)?;
    Ok(fs::remove_file(path)?)
}

fn rollout(dir: &Path, id: &str) -> Option<PathBuf> {
    for entry in fs::read_dir(dir).ok()?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            if let Some(found) = rollout(&path, id) {
                return Some(found);
            }
        } else if path.to_string_lossy().ends_with(&format!("{id}.jsonl")) {
            return Some(path);
        }
    }
    None
}
