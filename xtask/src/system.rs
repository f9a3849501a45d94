//! Programs of the system that tests need: found, installed where that is allowed, or named in one sentence.

use std::path::PathBuf;
use std::process::Command;

use crate::{Outcome, step};

/// Returns a Chromium, installing Debian's package if there is none.
pub fn chromium() -> Outcome<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    if let Some(found) = find(&names) {
        return Ok(found);
    }
    install(&["chromium", "fonts-dejavu-core"]);
    find(&names).ok_or_else(|| {
        "A Chromium is needed for the tests in a browser: install the package `chromium`, for example by \
         `sudo apt-get install chromium`."
            .to_owned()
    })
}

/// Sees to a tmux, installing Debian's package if there is none.
pub fn tmux() -> Outcome {
    if find(&["tmux"]).is_none() {
        install(&["tmux"]);
    }
    find(&["tmux"]).map(|_| ()).ok_or_else(|| {
        "tmux is needed for the tests of terminals: install the package `tmux`, for example by `sudo apt-get install \
         tmux`."
            .to_owned()
    })
}

/// Sees to a keyring, installing Debian's packages if there is none.
pub fn keyring() -> Outcome {
    let needed = ["dbus-run-session", "gnome-keyring-daemon", "secret-tool"];
    let is_there = || needed.iter().all(|name| find(&[name]).is_some());
    if !is_there() {
        install(&["dbus", "gnome-keyring", "libsecret-tools"]);
    }
    if is_there() {
        return Ok(());
    }
    Err("A keyring is needed for the tests of secrets: install the packages `dbus`, `gnome-keyring` and \
         `libsecret-tools`, for example by `sudo apt-get install dbus gnome-keyring libsecret-tools`."
        .to_owned())
}

/// The first of some programs that is on the path.
fn find(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names
        .iter()
        .flat_map(|name| places.iter().map(move |place| place.join(name)))
        .find(|program| program.is_file())
}

/// Installs packages where there is an apt-get and we may; what came of it is seen by looking for them.
fn install(packages: &[&str]) {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0");
    if !is_root || find(&["apt-get"]).is_none() {
        return;
    }
    let apt = |words: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(words).env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    let name = format!("install {}", packages.join(", "));
    let quietly = ["install", "--yes", "--quiet=2", "--no-install-recommends"];
    if step::run(&name, apt(&quietly).args(packages)).is_err() {
        // The lists of packages may be missing or too old.
        let _ = step::run("package lists", &mut apt(&["update", "--quiet=2"]));
        let _ = step::run(&name, apt(&quietly).args(packages));
    }
}
