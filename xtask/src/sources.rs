//! The tree's own files, as git knows them.

use std::path::PathBuf;
use std::process::Command;

use crate::Outcome;
use crate::workspace::root;

/// A text file of the tree.
pub struct Source {
    /// Its path from the root.
    pub name: String,
    /// What stands in it.
    pub text: String,
}

/// Names of all files that git tracks or would, from the root.
pub fn names() -> Outcome<Vec<String>> {
    let arguments = ["ls-files", "--cached", "--others", "--exclude-standard"];
    let output = Command::new("git").current_dir(root()).args(arguments).output();
    let output = output.map_err(|error| format!("git could not start ({error})"))?;
    if !output.status.success() {
        return Err(format!("git ls-files failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    let names = String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect::<Vec<_>>();
    Ok(names.into_iter().filter(|name| root().join(name).is_file()).collect())
}

/// Reads the files whose names end so; fixtures, which agents wrote, are left out.
pub fn with_ending(endings: &[&str]) -> Outcome<Vec<Source>> {
    let wanted = |name: &String| {
        endings.iter().any(|ending| name.ends_with(ending)) && !name.starts_with("crates/lab/fixtures/home/")
    };
    let read = |name: String| {
        let path: PathBuf = root().join(&name);
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
        Ok(Source { name, text })
    };
    names()?.into_iter().filter(wanted).map(read).collect()
}
