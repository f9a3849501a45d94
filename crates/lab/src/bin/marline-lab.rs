//! `marline-lab`: the real agents on a scripted model, by hand.

use std::path::Path;
use std::process::ExitCode;

use marline_lab::agents::{ALL, Agents};
use marline_lab::fixtures::{self, Truth};
use marline_lab::server::Server;
use marline_lab::{AGENTS, Lab, alone, demo};

const HELP: &str = "Usage: marline-lab COMMAND

  install                   Install the real agents, pinned, below target/lab/agents: some 3.5 GB
  home DIR [--only AGENT]   Make DIR/home full of their sessions, and DIR/truth.json: about a minute
  fixtures DIR              The same, and make the committed fixtures of them
  demo DIR                  Make DIR/home of the plays in crates/lab/demo, and the archive of crates/demo: minutes
  serve [--port N]          Serve the scripted model on 127.0.0.1 until interrupted
";

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome = match words[..] {
        ["install"] => Agents::of_workspace().install(&ALL).map(|()| ExitCode::SUCCESS).map_err(Into::into),
        ["home", dir] => apart(&words, || home(Path::new(dir), &AGENTS).map(drop)),
        ["home", dir, "--only", agent] if AGENTS.contains(&agent) => {
            apart(&words, || home(Path::new(dir), &[agent]).map(drop))
        }
        ["fixtures", dir] => apart(&words, || {
            let (lab, truth) = home(Path::new(dir), &AGENTS)?;
            Ok(fixtures::replace(lab.home(), &truth)?)
        }),
        ["demo", dir] => apart(&words, || {
            let (entries, manifest) = demo::make(Path::new(dir), &Agents::of_workspace())?;
            let size = demo::replace(&entries, &manifest)?;
            println!("{} sessions in {size} bytes", manifest.sessions.len());
            Ok(())
        }),
        ["serve"] => serve("0"),
        ["serve", "--port", port] => serve(port),
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        ExitCode::FAILURE
    })
}

/// Does what needs agents where there is no network; they are installed before.
fn apart(words: &[&str], act: impl FnOnce() -> Outcome) -> Outcome<ExitCode> {
    Agents::of_workspace().install(&ALL)?;
    match alone::again(words)? {
        Some(status) => Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
        None => act().map(|()| ExitCode::SUCCESS),
    }
}

fn home(dir: &Path, agents: &[&str]) -> Outcome<(Lab, Truth)> {
    let lab = Lab::new(dir, &Agents::of_workspace())?;
    let truth = lab.make(agents)?;
    std::fs::write(dir.join("truth.json"), serde_json::to_string_pretty(&truth)? + "\n")?;
    println!("{} sessions in {}", truth.sessions.len(), lab.home().display());
    Ok((lab, truth))
}

fn serve(port: &str) -> Outcome<ExitCode> {
    let server = Server::start(port.parse()?)?;
    println!("{}", server.url());
    loop {
        std::thread::park();
    }
}
