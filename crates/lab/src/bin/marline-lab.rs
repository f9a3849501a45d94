//! `marline-lab`: the real agents on a scripted model, by hand.

use std::path::Path;
use std::process::ExitCode;

use marline_lab::Lab;
use marline_lab::agents::{ALL, Agents};
use marline_lab::fixtures::Truth;
use marline_lab::server::Server;

const HELP: &str = "Usage: marline-lab COMMAND

  install        Install the real agents, pinned, below target/lab/agents: some 3 GB
  home DIR       Make DIR/home full of their sessions, and DIR/truth.json: one to two minutes
  fixtures DIR   The same, and make the committed fixtures of them
  serve [PORT]   Serve the scripted model on 127.0.0.1 until interrupted
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let outcome: Result<(), Box<dyn std::error::Error>> = match words[..] {
        ["install"] => Agents::of_workspace().install(&ALL).map_err(Into::into),
        ["home", dir] => home(Path::new(dir)).map(drop),
        ["fixtures", dir] => home(Path::new(dir))
            .and_then(|(lab, truth)| marline_lab::fixtures::replace(lab.home(), &truth).map_err(Into::into)),
        ["serve"] => serve("0"),
        ["serve", port] => serve(port),
        _ => {
            eprint!("{HELP}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn home(dir: &Path) -> Result<(Lab, Truth), Box<dyn std::error::Error>> {
    let lab = Lab::new(dir, &Agents::of_workspace())?;
    let truth = lab.make_everything()?;
    std::fs::write(dir.join("truth.json"), serde_json::to_string_pretty(&truth)? + "\n")?;
    println!("{} sessions in {}", truth.sessions.len(), lab.home().display());
    Ok((lab, truth))
}

fn serve(port: &str) -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::start(port.parse()?)?;
    println!("{}", server.url());
    loop {
        std::thread::park();
    }
}
