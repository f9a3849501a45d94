//! Where the workspace lies, and what cargo says of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::Outcome;

/// Returns the root of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Returns the cargo that runs us, to be started in the root.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Returns `cargo metadata`: of the workspace's packages, or with all dependencies.
pub fn metadata(depth: Depth) -> Outcome<Value> {
    let mut command = cargo();
    command.args(["metadata", "--format-version", "1", "--locked"]);
    if let Depth::OwnPackages = depth {
        command.arg("--no-deps");
    }
    let output = command.output().map_err(|error| format!("cargo metadata could not start ({error})"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr).trim()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| format!("cargo metadata is not JSON: {error}"))
}

/// How much `cargo metadata` is to say.
#[derive(Clone, Copy)]
pub enum Depth {
    /// The workspace's own packages.
    OwnPackages,
    /// All dependencies too.
    Everything,
}

/// Returns the directory that cargo builds into.
pub fn target() -> Outcome<&'static Path> {
    static TARGET: OnceLock<PathBuf> = OnceLock::new();
    if let Some(target) = TARGET.get() {
        return Ok(target);
    }
    let metadata = metadata(Depth::OwnPackages)?;
    let target = metadata["target_directory"].as_str().ok_or("cargo metadata names no target directory")?;
    Ok(TARGET.get_or_init(|| target.into()))
}

/// Makes an empty directory below the target directory.
pub fn scratch(name: &str) -> Outcome<PathBuf> {
    let path = target()?.join("xtask").join(name);
    if path.exists() {
        std::fs::remove_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    std::fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}
