//! `cargo xtask`: build, check, measure, without a script in another language.
//!
//! Every command is a function of its arguments that returns a sentence when it fails; [`main`] prints it.
//! `bench` and `corpus` need optimised code: [`optimised`] builds this same binary in release with the feature
//! `bench` and hands the arguments over.

mod arguments;
#[cfg(feature = "bench")]
mod bench;
mod checks;
#[cfg(feature = "bench")]
mod corpus;
mod licences;
#[cfg(not(feature = "bench"))]
mod optimised;
mod product;
mod sources;
mod step;
mod system;
mod tidy;
mod truth;
mod up;
mod web;
mod workspace;

use std::process::ExitCode;

/// Fails with a sentence, which says what and where.
type Outcome<T = ()> = Result<T, String>;

const HELP: &str = "Usage: cargo xtask COMMAND

  up [--home DIR] [--demo] [WORDS]
          Build Marline and show the board on the machine's sessions.
          --home DIR  those below DIR, with a catalogue of their own
          --demo      the bundled ones
          WORDS       go to `marline up`: --port N, --no-open
  web     Build the web app, if something of it changed
  screenshots
          Take the README's pictures, of the bundled sessions
  test    Run every check: format, lints, documents, tests, licences, tidiness
  tidy    Check what no compiler checks, and print figures of our own tree
  bench [--bytes 1g] [--seed N] [--median 90k] [--keep DIR] [--quick] [--markdown FILE]
        | --board | --soak MINUTES | --threads | --work | --live
          Make a corpus and print what Marline takes for it, beside the bare limits of this machine.
          --keep DIR      use the corpus in DIR; make it there if there is none
          --quick         fewer runs of each
          --threads       the storage of threads alone
          --work          queues and groups of the real agents alone
          --live          agents in terminals alone
          --markdown FILE write the table there too
  truth DIR [--home DIR]
          Compare what Marline finds in DIR/home with DIR/manifest.json and DIR/sessions.jsonl.
          --home DIR      Marline's own home; by default a new one, which goes afterwards
  corpus --out DIR [--bytes 1g] [--seed N] [--median 90k]
          Make a home full of sessions, and the truth about it
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match words.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => ("", &words[..]),
    };
    let outcome = match command {
        "-h" | "--help" | "help" => {
            print!("{HELP}");
            Ok(())
        }
        _ if rest.iter().any(|word| word == "-h" || word == "--help") => {
            print!("{HELP}");
            Ok(())
        }
        "up" => up::run(rest),
        "test" => checks::run(rest),
        "web" => web::run(rest),
        "screenshots" => web::screenshots(rest),
        "tidy" => tidy::run(rest),
        "truth" => truth::run(rest),
        #[cfg(feature = "bench")]
        "bench" => bench::run(rest),
        #[cfg(feature = "bench")]
        "corpus" => corpus::run(rest),
        #[cfg(not(feature = "bench"))]
        "bench" | "corpus" => optimised::run(&words),
        "" => Err(format!("a command is needed\n\n{HELP}")),
        other => Err(format!("there is no command {other}\n\n{HELP}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}
