//! Codex through `codex app-server`: JSON-RPC, one object a line.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::process::ChildStdin;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use super::process::Group;
use super::{Lab, LabError, Place, said};
use crate::agents::{CODEX, command};
use crate::fixtures::{Inherited, SessionTruth};
use crate::script::Prompt;

/// For one message.
const PATIENCE: Duration = Duration::from_secs(60);

/// One process; it ends with this.
pub struct AppServer<'a> {
    lab: &'a Lab,
    stdin: ChildStdin,
    messages: Receiver<Value>,
    last_id: u64,
    project: String,
    /// The model of new threads, if not the usual one.
    pub model: Option<String>,
    /// When it asks before it runs something.
    pub approval: &'static str,
    /// What it is answered then.
    pub decision: &'static str,
    _group: Group,
    _place: Place<'a>,
}

impl<'a> AppServer<'a> {
    /// Makes the sessions that `codex exec` can't: named, forked in the middle, compacted, interrupted.
    pub fn tour(lab: &'a Lab, project: &str) -> Result<Vec<SessionTruth>, LabError> {
        let mut server = Self::start(lab, project)?;
        let truth = |id: &str, prompts, answers, tools| said("codex", id, project, prompts, answers, tools);
        let mut sessions = Vec::new();

        let named = server.thread()?;
        let first = server.turn(&named, &Prompt::new("Make a file").run("touch made.txt").say("Made it"))?;
        server.turn(&named, &Prompt::new("And another").run("touch more.txt").say("Made more"))?;
        server.call("thread/name/set", json!({"threadId": named, "name": "The named thread"}))?;
        sessions.push(SessionTruth {
            title: Some("The named thread".to_owned()),
            requests: Some(4),
            ..truth(&named, 2, 2, 2)
        });
        let fork = server.call("thread/fork", json!({"threadId": named, "lastTurnId": first}))?;
        let fork = fork["thread"]["id"].as_str().unwrap_or_default().to_owned();
        server.turn(&fork, &Prompt::new("From the first turn on").say("Another way"))?;
        sessions.push(SessionTruth {
            forked_from: Some(named),
            inherited: Inherited { prompts: 1, answers: 1, tool_calls: 1 },
            requests: Some(1),
            ..truth(&fork, 1, 1, 0)
        });

        server.approval = "untrusted";
        let asking = server.thread()?;
        server.turn(&asking, &Prompt::new("May I?").run("touch allowed.txt").say("It was allowed"))?;
        server.decision = "decline";
        server.turn(&asking, &Prompt::new("And now?").run("touch declined.txt").say("It was declined"))?;
        server.approval = "never";
        sessions.push(SessionTruth { requests: Some(4), ..truth(&asking, 2, 2, 2) });

        let long = server.thread()?;
        server.turn(&long, &Prompt::new("Long talk").say("One"))?;
        server.turn(&long, &Prompt::new("Longer talk").say("Two"))?;
        server.call("thread/compact/start", json!({"threadId": long}))?;
        server.wait("turn/completed")?;
        server.turn(&long, &Prompt::new("After compaction").say("Three"))?;
        // The summary is a request as well.
        sessions.push(SessionTruth { requests: Some(4), ..truth(&long, 3, 3, 0) });

        let stopped = server.thread()?;
        let slow = Prompt::new("Stop me").wait(20).say("Never said");
        let turn = server.begin(&stopped, &slow)?;
        server.wait("turn/started")?;
        std::thread::sleep(Duration::from_secs(1));
        server.call("turn/interrupt", json!({"threadId": stopped, "turnId": turn}))?;
        server.wait("turn/completed")?;
        server.turn(&stopped, &Prompt::new("Goes on").say("After the interrupt"))?;
        drop(server);
        let mut server = Self::start(lab, project)?;
        server.call("thread/resume", json!({"threadId": stopped}))?;
        server.turn(&stopped, &Prompt::new("Resumed elsewhere").say("Resumed"))?;
        sessions.push(SessionTruth { requests: Some(2), ..truth(&stopped, 3, 2, 0) });
        Ok(sessions)
    }

    pub fn start(lab: &'a Lab, project: &str) -> Result<Self, LabError> {
        let place = lab.place();
        let directory = lab.project(project);
        let mut command = command(&lab.agents, &CODEX, &lab.home, &lab.server.url());
        command.arg("app-server").current_dir(&directory);
        let mut group = Group::spawn(&mut command, &lab.log())?;
        let no_pipe = || io::Error::other("no pipe to the app-server");
        let stdin = group.0.stdin.take().ok_or_else(no_pipe)?;
        let stdout = group.0.stdout.take().ok_or_else(no_pipe)?;
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let is_heard =
                    serde_json::from_str(&line).map_or(true, |message| sender.send(message).is_ok());
                if !is_heard {
                    return;
                }
            }
        });
        let project = directory.display().to_string();
        let mut server = AppServer {
            lab,
            model: None,
            approval: "never",
            decision: "accept",
            stdin,
            messages,
            last_id: 0,
            project,
            _group: group,
            _place: place,
        };
        let client = json!({"name": "lab", "title": "Lab", "version": "1"});
        server
            .call("initialize", json!({"clientInfo": client, "capabilities": {"experimentalApi": true}}))?;
        server.send(&json!({"method": "initialized"}))?;
        Ok(server)
    }

    fn send(&mut self, message: &Value) -> io::Result<()> {
        writeln!(self.stdin, "{message}")?;
        self.stdin.flush()
    }

    fn receive(&mut self) -> io::Result<Value> {
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "the app-server does not answer");
        let message = self.messages.recv_timeout(PATIENCE).map_err(late)?;
        if message["method"].as_str().is_some_and(|method| method.ends_with("/requestApproval")) {
            self.send(&json!({"id": message["id"], "result": {"decision": self.decision}}))?;
        }
        Ok(message)
    }

    pub fn call(&mut self, method: &str, parameters: Value) -> io::Result<Value> {
        self.last_id += 1;
        let id = self.last_id;
        self.send(&json!({"id": id, "method": method, "params": parameters}))?;
        loop {
            let mut message = self.receive()?;
            if message["id"] == id && message.get("method").is_none() {
                if message.get("error").is_some() {
                    return Err(io::Error::other(format!("{method}: {}", message["error"])));
                }
                return Ok(message["result"].take());
            }
        }
    }

    pub fn wait(&mut self, method: &str) -> io::Result<()> {
        while self.receive()?["method"] != method {}
        Ok(())
    }

    /// Waits until a thread's turn is over; those of its sub-agents end before.
    pub fn wait_turn(&mut self, thread: &str) -> io::Result<()> {
        loop {
            let message = self.receive()?;
            if message["method"] == "turn/completed" && message["params"]["threadId"] == thread {
                return Ok(());
            }
        }
    }

    pub fn thread(&mut self) -> io::Result<String> {
        let mut parameters =
            json!({"cwd": self.project, "sandbox": "danger-full-access", "approvalPolicy": self.approval});
        if let Some(model) = &self.model {
            parameters["model"] = model.as_str().into();
        }
        let started = self.call("thread/start", parameters)?;
        Ok(started["thread"]["id"].as_str().unwrap_or_default().to_owned())
    }

    fn begin(&mut self, thread: &str, prompt: &Prompt) -> io::Result<String> {
        let input = json!([{"type": "text", "text": prompt.text()}]);
        let turn = self.call("turn/start", json!({"threadId": thread, "input": input}))?;
        self.lab.note(thread, prompt);
        Ok(turn["turn"]["id"].as_str().unwrap_or_default().to_owned())
    }

    fn turn(&mut self, thread: &str, prompt: &Prompt) -> io::Result<String> {
        let turn = self.begin(thread, prompt)?;
        self.wait("turn/completed")?;
        Ok(turn)
    }
}
