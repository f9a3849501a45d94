//! `bench`: what Marline takes for a corpus, beside what this machine can do at best.
//!
//! Everything is measured in one run, on files in the page cache, so that figures can be compared as ratios: a
//! machine twice as fast is faster at both. The limits are in `limits.rs`, what Marline does in `figures.rs`.

mod board;
mod figures;
mod limits;
mod live;
mod load;
mod page;
mod peer;
mod process;
mod soak;
mod threads;
mod work;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use marline_lab::corpus::generate;

use crate::arguments::Arguments;
use crate::product::Product;
use crate::workspace::scratch;
use crate::{Outcome, corpus, step};

/// A measured value with its goal, as it stands in the table.
pub struct Line {
    what: String,
    value: String,
    note: String,
}

impl Line {
    fn new(what: impl Into<String>, value: impl Into<String>, note: impl Into<String>) -> Self {
        Line { what: what.into(), value: value.into(), note: note.into() }
    }
}

/// Measures and prints.
pub fn run(words: &[String]) -> Outcome {
    let mut arguments = Arguments::of("bench", words);
    let options = corpus::options(&mut arguments)?;
    let kept = arguments.path("--keep")?;
    let is_quick = arguments.flag("--quick");
    let is_threads = arguments.flag("--threads");
    let is_work = arguments.flag("--work");
    let is_live = arguments.flag("--live");
    let is_board = arguments.flag("--board");
    let soak = arguments.number("--soak")?;
    let markdown = arguments.path("--markdown")?;
    arguments.end()?;
    if is_threads || is_work || is_live {
        let mut lines = Vec::new();
        let outcome = match (is_live, is_work) {
            (true, _) => live::measure(&mut lines),
            (_, true) => work::measure(&mut lines),
            _ => threads::measure(&mut lines),
        };
        print!("{}", table(&lines));
        return outcome;
    }

    let dir = match kept {
        Some(dir) => dir,
        None => scratch("bench")?,
    };
    if !dir.join("manifest.json").exists() {
        step::act("make the corpus", || generate(&dir, &options).map_err(|error| error.to_string()))?;
    }
    let home = dir.join("home");
    let files = files_below(&home)?;
    let bytes: u64 = files.iter().map(|(_, size)| size).sum();
    let own = scratch("bench-home")?;
    let product = Product::built()?.in_homes(&home, &own);
    if is_board || soak.is_some() {
        let mut lines = Vec::new();
        let outcome = the_board(&product, &dir, &own, soak, &mut lines);
        print!("{}", table(&lines));
        return outcome;
    }

    let mut lines = vec![Line::new(
        "corpus",
        format!("{:.0} MB in {} files", bytes as f64 / 1e6, files.len()),
        format!("{} cores{}, files in the page cache", cores(), load()),
    )];
    let limits = step::act("bare limits", || limits::measure(&files, bytes, &home, &mut lines))?;
    // What was measured before something failed is worth a look.
    let outcome = figures::measure(&product, &dir, bytes, &limits, is_quick, &mut lines);
    let table = table(&lines);
    print!("{table}");
    if let Some(path) = markdown {
        std::fs::write(&path, &table).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    outcome
}

/// Measures the board alone; for so many minutes its memory alone.
fn the_board(
    product: &Product,
    corpus: &Path,
    own: &Path,
    minutes: Option<u64>,
    lines: &mut Vec<Line>,
) -> Outcome {
    step::act("index", || process::run(&mut product.command(["index"])).map(drop))?;
    if let Some(minutes) = minutes {
        let lasts = Duration::from_secs(minutes * 60);
        return step::act("the board, for long", || soak::measure(product, corpus, own, lasts, lines));
    }
    step::act("the board", || board::measure(product, corpus, own, lines))?;
    step::act("a long list", || board::measure_many(lines))
}

fn table(lines: &[Line]) -> String {
    let width =
        |cell: fn(&Line) -> &str| lines.iter().map(|line| cell(line).chars().count()).max().unwrap_or(0);
    let (what, value) = (width(|line| &line.what), width(|line| &line.value));
    let mut out = format!(
        "| {:what$} | {:value$} | against |\n|{:-<w$}|{:-<v$}|---|\n",
        "",
        "",
        "",
        "",
        w = what + 2,
        v = value + 2
    );
    for line in lines {
        let _ = writeln!(out, "| {:what$} | {:value$} | {} |", line.what, line.value, line.note);
    }
    out
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// How busy the machine is already: figures of a busy one say little, their ratios a little more.
fn load() -> String {
    let averages = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    averages.split_once(' ').map_or(String::new(), |(load, _)| format!(" (load {load} before)"))
}

/// All files with their sizes, the largest first.
fn files_below(dir: &Path) -> Outcome<Vec<(PathBuf, u64)>> {
    let mut files = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        let fail = |error| format!("{}: {error}", folder.display());
        for entry in std::fs::read_dir(&folder).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let metadata = entry.metadata().map_err(fail)?;
            if metadata.is_dir() {
                folders.push(entry.path());
            } else {
                files.push((entry.path(), metadata.len()));
            }
        }
    }
    files.sort_by_key(|(_, size)| std::cmp::Reverse(*size));
    Ok(files)
}
