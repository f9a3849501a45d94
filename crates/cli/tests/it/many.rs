//! Many sessions at once, with programs that look like agents: none is forgotten, whatever their number.

use std::process::{Child, Command};

use serde_json::json;

use crate::home::Home;

/// Programs that are called as an agent is; they are ended with this.
struct StandIns(Vec<Child>);

impl Drop for StandIns {
    fn drop(&mut self) {
        for one in &mut self.0 {
            let _ = one.kill();
            let _ = one.wait();
        }
    }
}

#[test]
fn twenty_sessions_of_one_agent_are_all_open() {
    // An earlier product kept ten of an agent, and told of the oldest that they had ended while they ran.
    const OPEN: usize = 20;
    let home = Home::new();
    let program = home.write("stand/claude", std::fs::read("/bin/sleep").unwrap());
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&program, mode).unwrap();
    let mut all = StandIns(Vec::new());
    for n in 0..OPEN {
        let mut command = Command::new(&program);
        let child = command.arg("1000").env_clear().env("HOME", home.path()).spawn().unwrap();
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap();
        let start = stat.rsplit(')').next().unwrap().split_whitespace().nth(19).unwrap().to_owned();
        let facts = json!({
            "pid": child.id(), "procStart": start, "sessionId": format!("00000000-0000-4000-8000-{n:012}"), "cwd": "/p",
            "kind": "interactive", "status": "idle", "statusUpdatedAt": 1_795_000_000_000_u64 + n as u64,
        });
        home.write(&format!(".claude/sessions/{}.json", child.id()), facts.to_string());
        all.0.push(child);
    }
    let listed = || home.json(&["live", "ls"])["sessions"].as_array().unwrap().clone();
    let told = listed();
    assert_eq!(told.len(), OPEN, "{told:#?}");
    assert!(told.iter().all(|one| one["state"] == "idle" && one["control"]["by"] == "none"));
    // A process that took over the number of one that is gone is not it.
    let first = &mut all.0[0];
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(listed().len(), OPEN - 1);
}
