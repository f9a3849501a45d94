//! The daemon that Codex' terminals share: what to say to it, and what it says. Source: 0.169, its JSON schema, and the lab.
//!
//! It speaks JSON-RPC over a WebSocket, and holds every thread that a terminal has open. Who is connected hears the state of
//! all threads; who has resumed a thread is asked what its terminal is asked, too, also what was asked before. Whoever answers
//! first has answered.

use std::path::{Path, PathBuf};

use marline_model::{LiveState, Timestamp};
use serde_json::{Value, json};

use crate::live::{LiveMode, Told};
use crate::talk::{Decision, Question};

/// Where its socket lies.
pub(super) fn socket(home: &Path) -> PathBuf {
    home.join("app-server-control/app-server-control.sock")
}

/// The first thing that is said. Pieces of answers are not asked for: there may be thousands a second.
pub fn hello(version: &str) -> Value {
    let unwanted = [
        "item/agentMessage/delta",
        "item/reasoning/textDelta",
        "item/reasoning/summaryTextDelta",
        "item/commandExecution/outputDelta",
        "item/fileChange/outputDelta",
        "turn/diff/updated",
        "turn/plan/updated",
        "account/rateLimits/updated",
        "thread/readState/changed",
    ];
    json!({
        "clientInfo": {"name": "marline", "title": "Marline", "version": version},
        "capabilities": {"experimentalApi": true, "optOutNotificationMethods": unwanted},
    })
}

/// A thread that the daemon holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Its id.
    pub id: String,
    /// Where it works.
    pub cwd: PathBuf,
    /// When it was made.
    pub created_at: Option<Timestamp>,
    /// How it stands.
    pub state: Option<LiveState>,
    /// Its model.
    pub model: Option<String>,
}

/// Reads a thread as the daemon tells it; nothing of one that no person talks with: a helper's, or one that is never written down.
pub fn held(thread: &Value) -> Option<Held> {
    let is_helper = thread["ephemeral"] == true
        || thread["parentThreadId"].is_string()
        || thread["threadSource"].as_str().is_some_and(|source| source != "user");
    if is_helper {
        return None;
    }
    Some(Held {
        id: thread["id"].as_str()?.to_owned(),
        cwd: PathBuf::from(thread["cwd"].as_str()?),
        created_at: thread["createdAt"].as_i64().map(|seconds| Timestamp::from_millis(seconds * 1000)),
        state: state(&thread["status"]),
        model: thread["model"].as_str().map(str::to_owned),
    })
}

/// What a thread's status means; nothing of one that is not loaded.
pub fn state(status: &Value) -> Option<LiveState> {
    match status["type"].as_str()? {
        "idle" | "systemError" => Some(LiveState::Idle),
        "active" => {
            let flags: Vec<&str> =
                status["activeFlags"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            Some(match () {
                () if flags.contains(&"waitingOnApproval") => LiveState::NeedsApproval,
                () if flags.contains(&"waitingOnUserInput") => LiveState::NeedsInput,
                () => LiveState::Working,
            })
        }
        _ => None,
    }
}

/// The same, as what a hook tells.
pub fn told(thread: &str, state: LiveState) -> Told {
    let says = match state {
        LiveState::NeedsApproval => "its daemon says that it waits for leave",
        LiveState::NeedsInput => "its daemon says that it waits for an answer",
        LiveState::Working => "its daemon says that it works",
        _ => "its daemon says that it has nothing to do",
    };
    Told { session: thread.to_owned(), state: Some(state), says: says.to_owned(), asks: None }
}

/// A thing that a thread waits for.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    /// The thread.
    pub thread: String,
    /// What an answer bears.
    pub request: Value,
    /// The turn and the call that it is about: the same on every connection.
    pub about: String,
    /// The question itself.
    pub question: Question,
    /// What allows it for the rest of the session.
    lasting: Value,
}

/// Reads a request of the daemon's for leave; nothing, if it is something else.
pub fn pending(message: &Value) -> Option<Pending> {
    let params = &message["params"];
    let word = |name: &str| params[name].as_str().map(str::to_owned);
    let thread = word("threadId")?;
    let about = [word("turnId")?, word("itemId")?, word("approvalId").unwrap_or_default()].join(" ");
    let is_command = match message["method"].as_str()? {
        "item/commandExecution/requestApproval" => true,
        "item/fileChange/requestApproval" => false,
        _ => return None,
    };
    let offered = |wanted: &str| {
        let offered = params["availableDecisions"].as_array();
        offered.into_iter().flatten().find(|one| one.get(wanted).is_some() || *one == wanted).cloned()
    };
    // An edit is always offered for the session, a command where the daemon says so.
    let lasting = match is_command {
        true => offered("acceptForSession").or_else(|| offered("acceptWithExecpolicyAmendment")),
        false => Some(json!("acceptForSession")),
    };
    let what = match is_command {
        true => meant(params["command"].as_str().unwrap_or_default()),
        false => "change files".to_owned(),
    };
    let question = Question {
        id: about.clone(),
        tool: if is_command { "command" } else { "edit" }.to_owned(),
        what,
        cwd: word("cwd"),
        files: Vec::new(),
        why: word("reason").filter(|why| !why.is_empty()),
        diff: None,
        for_session: lasting.is_some(),
    };
    let request = message.get("id")?.clone();
    Some(Pending { thread, request, about, question, lasting: lasting.unwrap_or_default() })
}

/// A command as it was meant, without the shell around it: `/bin/bash -lc 'ls | wc'` is `ls | wc`. Codex puts the words of a call
/// together as a shell takes them apart.
pub(super) fn meant(command: &str) -> String {
    let words = shlex::split(command).unwrap_or_default();
    let is_shell = |program: &str| matches!(program.rsplit('/').next(), Some("bash" | "sh" | "zsh"));
    match words.as_slice() {
        [program, flag, script] if is_shell(program) && (flag == "-lc" || flag == "-c") => script.clone(),
        _ => command.to_owned(),
    }
}

impl Pending {
    /// What is answered; the word of a denial is said after it.
    pub fn answer(&self, decision: &Decision) -> Value {
        let decision = match decision {
            Decision::AllowForSession if !self.lasting.is_null() => self.lasting.clone(),
            Decision::Allow | Decision::AllowForSession => json!("accept"),
            Decision::Deny { .. } => json!("decline"),
        };
        json!({"id": self.request, "result": {"decision": decision}})
    }
}

/// What a thread may do without asking; nothing for what it has no such setting.
pub fn mode(thread: &str, mode: LiveMode) -> Option<Value> {
    let (policy, sandbox) = match mode {
        LiveMode::Ask => ("untrusted", "workspaceWrite"),
        LiveMode::Edits => ("on-request", "workspaceWrite"),
        LiveMode::Plan => ("on-request", "readOnly"),
        LiveMode::Auto => return None,
    };
    let mut sandbox = json!({"type": sandbox});
    if sandbox["type"] == "workspaceWrite" {
        (sandbox["writableRoots"], sandbox["networkAccess"]) = (json!([]), json!(false));
    }
    Some(json!({"threadId": thread, "approvalPolicy": policy, "sandboxPolicy": sandbox}))
}

/// The words of a prompt.
pub fn prompt(thread: &str, key: &str, text: &str, images: &[PathBuf]) -> Value {
    let mut input = vec![json!({"type": "text", "text": text})];
    input.extend(images.iter().map(|path| json!({"type": "localImage", "path": path})));
    json!({"threadId": thread, "clientUserMessageId": key, "input": input})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_that_no_person_talks_with_are_left_out() {
        let thread = json!({"id": "01a2", "cwd": "/p", "ephemeral": false, "createdAt": 12, "status": {"type": "idle"},
            "threadSource": "user", "parentThreadId": null});
        let seen = held(&thread).unwrap();
        assert_eq!(
            (seen.state, seen.created_at),
            (Some(LiveState::Idle), Some(Timestamp::from_millis(12_000)))
        );
        for (name, value) in
            [("ephemeral", json!(true)), ("parentThreadId", json!("x")), ("threadSource", json!("subagent"))]
        {
            let mut helper = thread.clone();
            helper[name] = value;
            assert_eq!(held(&helper), None, "{name}");
        }
    }

    #[test]
    fn a_status_is_a_state() {
        let active = |flags: &[&str]| state(&json!({"type": "active", "activeFlags": flags}));
        assert_eq!(active(&[]), Some(LiveState::Working));
        assert_eq!(active(&["waitingOnApproval"]), Some(LiveState::NeedsApproval));
        assert_eq!(active(&["waitingOnUserInput"]), Some(LiveState::NeedsInput));
        assert_eq!(state(&json!({"type": "notLoaded"})), None);
    }

    #[test]
    fn a_command_is_told_as_it_was_meant_and_answered_by_its_request() {
        // 0.169, as heard in the lab.
        let request = json!({"method": "item/commandExecution/requestApproval", "id": 7, "params": {
            "threadId": "t", "turnId": "u", "itemId": "call_1", "reason": "It is to leave the sandbox",
            "command": "/bin/bash -lc 'touch asked.txt'", "cwd": "/p",
            "commandActions": [{"type": "unknown", "command": "touch asked.txt"}],
            "availableDecisions": ["accept", {"acceptWithExecpolicyAmendment": {"execpolicy_amendment": ["touch"]}}, "cancel"]}});
        let pending = pending(&request).unwrap();
        assert_eq!(pending.question.what, "touch asked.txt");
        assert_eq!(pending.answer(&Decision::Allow), json!({"id": 7, "result": {"decision": "accept"}}));
        // Of something that only looks like that, nothing is left out.
        for other in ["/bin/bash -lc 'ls' extra", "bash -lc 'ls", "./bash-x -lc ls", "ls -lc x"] {
            assert_eq!(meant(other), other);
        }
        assert_eq!(meant(r"/usr/bin/zsh -lc 'echo '\''a b'\'' > x'"), "echo 'a b' > x");
        let lasting = pending.answer(&Decision::AllowForSession);
        assert!(lasting["result"]["decision"]["acceptWithExecpolicyAmendment"].is_object());
        let no = pending.answer(&Decision::Deny { reason: Some("no".to_owned()) });
        assert_eq!(no["result"]["decision"], "decline");
    }
}
