//! `cargo xtask`: build steps that need no script of another language.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

const HELP: &str = "cargo xtask COMMAND

  up [--home DIR] [--demo]   build Marline, index the machine's sessions and list them;
                             --home: those below DIR; --demo: the bundled sample
  test                       every check: format, lints, documents, tests
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match args.first().map(String::as_str) {
        Some("up") => up(&args[1..]),
        Some("test") => test(),
        Some("-h" | "--help" | "help") => {
            print!("{HELP}");
            Ok(())
        }
        _ => Err(format!("no such command\n\n{HELP}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the workspace").to_owned()
}

fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs a step and says how long it took.
fn step(name: &str, command: &mut Command) -> Result<(), String> {
    eprintln!("── {name}");
    let started = Instant::now();
    let status = command.status().map_err(|error| format!("{name}: could not start ({error})"))?;
    eprintln!("── {name}: {:.1} s", started.elapsed().as_secs_f64());
    if status.success() { Ok(()) } else { Err(format!("{name} failed ({status})")) }
}

fn up(args: &[String]) -> Result<(), String> {
    let mut home: Option<PathBuf> = None;
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--home" => home = Some(args.next().ok_or("--home needs a directory")?.into()),
            "--demo" => home = Some(root().join("crates/lab/fixtures/home")),
            other => return Err(format!("{other} is not known to `up`\n\n{HELP}")),
        }
    }
    step("build", cargo().args(["build", "--release", "--package", "marline"]))?;
    for words in [&["index"][..], &["ls"]] {
        let mut marline = Command::new(root().join("target/release/marline"));
        marline.args(words);
        if let Some(home) = &home {
            marline.env("HOME", home).env("MARLINE_HOME", root().join("target/up-home"));
            for name in ["CLAUDE_CONFIG_DIR", "CODEX_HOME", "GEMINI_CLI_HOME", "XDG_DATA_HOME"] {
                marline.env_remove(name);
            }
        }
        // A list without a session is an answer too.
        let status = marline.status().map_err(|error| format!("marline could not start ({error})"))?;
        if status.code().is_none_or(|code| code > 1) {
            return Err(format!("marline {} failed ({status})", words.join(" ")));
        }
    }
    Ok(())
}

fn test() -> Result<(), String> {
    // Tests own their HOME: a test that looks at the real one must find nothing there.
    let scratch = root().join("target/test-home");
    std::fs::create_dir_all(&scratch).map_err(|error| format!("{}: {error}", scratch.display()))?;
    let real_home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let kept =
        |name: &str, default: &str| std::env::var_os(name).unwrap_or_else(|| real_home.join(default).into());
    let (cargo_home, rustup_home) = (kept("CARGO_HOME", ".cargo"), kept("RUSTUP_HOME", ".rustup"));
    let own = |mut command: Command| {
        command.env("HOME", &scratch).env("CARGO_HOME", &cargo_home).env("RUSTUP_HOME", &rustup_home);
        command.env("CARGO_INCREMENTAL", "0");
        command
    };
    step("format", own(cargo()).args(["fmt", "--all", "--check"]))?;
    let deny = ["--", "-D", "warnings"];
    step("lints", own(cargo()).args(["clippy", "--workspace", "--all-targets"]).args(deny))?;
    let mut docs = own(cargo());
    docs.env("RUSTDOCFLAGS", "-D warnings");
    step("documents", docs.args(["doc", "--workspace", "--no-deps", "--document-private-items"]))?;
    let nextest = cargo().args(["nextest", "--version"]).output().is_ok_and(|output| output.status.success());
    if nextest {
        step("tests", own(cargo()).args(["nextest", "run", "--workspace", "--no-fail-fast"]))?;
        step("examples in documents", own(cargo()).args(["test", "--workspace", "--doc"]))
    } else {
        eprintln!("cargo-nextest is not installed; using cargo test.");
        step("tests", own(cargo()).args(["test", "--workspace"]))
    }
}
