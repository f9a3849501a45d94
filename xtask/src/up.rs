//! `up`: from a fresh clone to the board.

use std::fs;
use std::io;
use std::path::Path;

use crate::Outcome;
use crate::arguments::Arguments;
use crate::product::Product;
use crate::web;
use crate::workspace::{root, scratch, target};

/// Builds the web app and Marline, and shows the board.
pub fn run(words: &[String]) -> Outcome {
    let mut arguments = Arguments::of("up", words);
    let (home, is_demo) = (arguments.path("--home")?, arguments.flag("--demo"));
    let words = arguments.rest();
    web::build()?;
    let mut product = Product::build()?;
    match (home, is_demo) {
        (Some(_), true) => return Err("--home and --demo exclude each other".to_owned()),
        (Some(home), false) => {
            if !home.is_dir() {
                return Err(format!("{} is no directory", home.display()));
            }
            // One catalogue for each home: the sessions of another would stand there as gone.
            let name: String = home.to_string_lossy().replace(|c: char| !c.is_ascii_alphanumeric(), "-");
            product = product.in_homes(&home, &target()?.join("xtask/up").join(name.trim_matches('-')));
        }
        (None, true) => {
            let copy = scratch("demo")?;
            let fixtures = root().join("crates/lab/fixtures/home");
            copy_tree(&fixtures, &copy.join("home"))
                .map_err(|error| format!("{} could not be copied: {error}", fixtures.display()))?;
            product = product.in_homes(&copy.join("home"), &copy.join("marline"));
        }
        (None, false) => {}
    }
    eprintln!("Marline is {}.\n", product.program().display());
    let status = product
        .command(["up"])
        .args(words)
        .status()
        .map_err(|error| format!("{} could not start ({error})", product.program().display()))?;
    if status.success() { Ok(()) } else { Err(format!("marline up ended with {status}")) }
}

/// Copies files with their times, by which the sessions are ordered.
fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, copy) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy_tree(&source, &copy)?;
            continue;
        }
        fs::copy(&source, &copy)?;
        let modified = entry.metadata()?.modified()?;
        fs::File::options().write(true).open(&copy)?.set_modified(modified)?;
    }
    Ok(())
}
