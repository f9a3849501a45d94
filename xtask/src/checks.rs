//! `test`: every check there is.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::arguments::Arguments;
use crate::workspace::{cargo, target};
use crate::{Outcome, licences, step, system, tidy, web};

/// Runs all checks; the first that fails ends it.
pub fn run(words: &[String]) -> Outcome {
    Arguments::of("test", words).end()?;
    let home = Home::make()?;
    step::run("format", home.cargo().args(["fmt", "--all", "--check"]))?;
    step::act("tidiness", tidy::check)?;
    step::act("licences", licences::check)?;
    web::check()?;
    web::build()?;
    // With the feature, or the benchmark would be compiled by nobody but those who run it.
    let all = ["clippy", "--workspace", "--all-targets", "--features", "xtask/bench"];
    step::run("lints", home.cargo().args(all).args(["--", "-D", "warnings"]))?;
    let mut documents = home.cargo();
    documents.env("RUSTDOCFLAGS", "-D warnings");
    step::run("documents", documents.args(["doc", "--workspace", "--no-deps", "--document-private-items"]))?;
    // npm is configured in the real home; the tests have an empty one.
    let lab = ["run", "--quiet", "--package", "marline-lab", "--bin", "marline-lab", "--", "install"];
    step::run("real agents", cargo().args(lab))?;
    system::tmux()?;
    system::keyring()?;
    let has_nextest =
        cargo().args(["nextest", "--version"]).output().is_ok_and(|output| output.status.success());
    if !has_nextest {
        eprintln!("cargo-nextest is not installed; using cargo test.");
        step::run("tests", home.cargo().args(["test", "--workspace"]))?;
        return web::in_browser();
    }
    step::run("tests", home.cargo().args(["nextest", "run", "--workspace", "--no-fail-fast"]))?;
    step::run("examples in documents", home.cargo().args(["test", "--workspace", "--doc"]))?;
    web::in_browser()
}

/// An empty home for tests: one that looks at the real home must find nothing there.
struct Home {
    path: PathBuf,
    cargo_home: OsString,
    rustup_home: OsString,
}

impl Home {
    fn make() -> Outcome<Self> {
        let path = target()?.join("test-home");
        std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let real = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        Ok(Home {
            path,
            cargo_home: kept("CARGO_HOME", &real.join(".cargo")),
            rustup_home: kept("RUSTUP_HOME", &real.join(".rustup")),
        })
    }

    fn cargo(&self) -> Command {
        let mut command = cargo();
        command.env("HOME", &self.path).env("CARGO_INCREMENTAL", "0");
        command.env("CARGO_HOME", &self.cargo_home).env("RUSTUP_HOME", &self.rustup_home);
        command
    }
}

fn kept(name: &str, default: &Path) -> OsString {
    std::env::var_os(name).unwrap_or_else(|| default.into())
}
