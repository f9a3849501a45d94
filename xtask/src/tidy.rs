//! `tidy`: what no compiler checks. Crates use those before them only, files say what they are for, documents name
//! files that exist, nothing is left unfinished.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::Outcome;
use crate::arguments::Arguments;
use crate::sources::{Source, names, with_ending};
use crate::workspace::{Depth, metadata, root};

/// Each crate of the product with those that it may use.
const ARROWS: [(&str, &[&str]); 9] = [
    ("marline-model", &[]),
    ("marline-agents", &["marline-model"]),
    ("marline-text", &[]),
    ("marline-store", &["marline-model", "marline-agents"]),
    ("marline-index", &["marline-model", "marline-agents", "marline-text"]),
    ("marline-control", &["marline-model", "marline-agents", "marline-index", "marline-store"]),
    (
        "marline-server",
        &["marline-model", "marline-agents", "marline-index", "marline-store", "marline-control"],
    ),
    ("marline-demo", &[]),
    (
        "marline",
        &[
            "marline-model",
            "marline-agents",
            "marline-index",
            "marline-control",
            "marline-server",
            "marline-store",
            "marline-demo",
        ],
    ),
];
/// A longer file has a second concept in it.
const MOST_LINES: usize = 900;
/// A file this long is named.
const MANY_LINES: usize = 500;

/// Checks, and prints figures of our own tree.
pub fn run(words: &[String]) -> Outcome {
    Arguments::of("tidy", words).end()?;
    check()?;
    let mut lines: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for source in with_ending(&[".rs"])? {
        let part = source.name.rsplit_once("/src/").or(source.name.rsplit_once("/tests/"));
        let sum = lines.entry(part.map_or("", |(part, _)| part).to_owned()).or_default();
        sum.0 += 1;
        sum.1 += source.text.lines().count();
    }
    for (part, (files, lines)) in lines {
        println!("{part:<16} {files:>4} files {lines:>7} lines");
    }
    Ok(())
}

/// Checks; all complaints come together.
pub fn check() -> Outcome {
    let sources = with_ending(&[".rs"])?;
    let documents = with_ending(&[".md"])?;
    let names = names()?;
    let mut complaints = wrong_arrows(&metadata(Depth::OwnPackages)?);
    complaints.extend(sources.iter().flat_map(of_source));
    complaints.extend(unlisted_tests(&names, &sources));
    let exists = |name: &str| root().join(name).exists();
    complaints.extend(documents.iter().flat_map(|document| dead_names(document, &names, &exists)));
    for source in sources.iter().filter(|source| source.text.lines().count() > MANY_LINES) {
        eprintln!("   {} has {} lines", source.name, source.text.lines().count());
    }
    if complaints.is_empty() { Ok(()) } else { Err(complaints.join("\n")) }
}

/// Dependencies of the product's crates on crates that they must not know.
fn wrong_arrows(metadata: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = package["name"].as_str().unwrap_or_default();
        let Some((_, allowed)) = ARROWS.iter().find(|(known, _)| *known == name) else {
            // Test support and tasks may use anything.
            if !matches!(name, "marline-lab" | "xtask") {
                complaints.push(format!("{name} has no place among the arrows of xtask/src/tidy.rs"));
            }
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            let used = dependency["name"].as_str().unwrap_or_default();
            let is_for_tests = dependency["kind"] == "dev" && used == "marline-lab";
            if used.starts_with("marline") && !is_for_tests && !allowed.contains(&used) {
                complaints.push(format!("{name} must not use {used}"));
            }
        }
    }
    complaints
}

/// What is wrong with one file of code.
fn of_source(source: &Source) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut complain = |line: usize, what: &str| complaints.push(format!("{}:{line}: {what}", source.name));
    if !source.text.starts_with("//!") {
        complain(1, "does not begin with a //! line that says what it is for");
    }
    let lines = source.text.lines().count();
    if lines > MOST_LINES {
        complain(lines, "is too long: find the second concept in it");
    }
    // Written apart, so that this file does not complain about itself.
    let unfinished = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("dbg", "!("),
    ];
    let mut is_test = source.name.contains("/tests/");
    for (n, line) in (1..).zip(source.text.lines()) {
        is_test |= line == "mod tests {";
        if unfinished.iter().any(|word| line.contains(word)) {
            complain(n, "is unfinished");
        }
        if !is_test && names_a_machine(line) {
            complain(n, "names a path of one machine");
        }
    }
    complaints
}

/// True if a path in the line begins at a place that not every machine has, or that is shared by all its users.
fn names_a_machine(line: &str) -> bool {
    let places = [concat!("/ro", "ot/"), concat!("/tm", "p/"), concat!("/wo", "rk/")];
    // Further on in a path the same letters are any folder's name.
    let is_start = |(at, _): (usize, &str)| {
        !line[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}' | '>'))
    };
    places.iter().any(|place| line.match_indices(place).any(is_start))
}

/// Files below a `tests/it` that its `main.rs` does not name, nor the module that they lie below: they would never run.
fn unlisted_tests(names: &[String], sources: &[Source]) -> Vec<String> {
    let is_listed = |name: &String| {
        let Some((folder, file)) = name.rsplit_once("/tests/it/") else { return true };
        let Some(module) = file.strip_suffix(".rs").filter(|module| *module != "main") else { return true };
        let (above, module) = module.rsplit_once('/').unwrap_or(("main", module));
        let above = format!("{folder}/tests/it/{above}.rs");
        sources.iter().any(|source| source.name == above && source.text.contains(&format!("mod {module};")))
    };
    names
        .iter()
        .filter(|name| !is_listed(name))
        .map(|name| format!("{name} is named by no module: it never runs"))
        .collect()
}

/// Names of our files in a document that are not there.
fn dead_names(document: &Source, names: &[String], exists: &dyn Fn(&str) -> bool) -> Vec<String> {
    let quoted = document.text.split('`').skip(1).step_by(2);
    let is_ours = |name: &&str| {
        let begins = ["crates/", "xtask/", "docs/", "web/"].iter().any(|start| name.starts_with(start));
        let is_plain = !name.contains(|c: char| c.is_whitespace() || "<>*{}|$".contains(c));
        (begins || (name.ends_with(".rs") && !name.contains(".."))) && is_plain
    };
    // A name without its folder counts where any file ends so.
    let is_there =
        |name: &&str| exists(name) || names.iter().any(|known| known.ends_with(&format!("/{name}")));
    quoted
        .filter(is_ours)
        .filter(|name| !is_there(name))
        .map(|name| format!("{}: there is no {name}", document.name))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn source(name: &str, text: &str) -> Source {
        Source { name: name.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn an_arrow_to_the_right_is_named() {
        let metadata = json!({"packages": [
            {"name": "marline-text", "dependencies": [{"name": "marline-index"}, {"name": "memchr"}]},
            {"name": "marline-index", "dependencies": [{"name": "marline-text"}, {"name": "marline-lab", "kind": "dev"}]},
            {"name": "marline-agents", "dependencies": [{"name": "marline-index", "kind": "dev"}]},
            {"name": "marline-new", "dependencies": []},
        ]});
        let complaints = wrong_arrows(&metadata);
        assert_eq!(complaints.len(), 3);
        assert_eq!(complaints[0], "marline-text must not use marline-index");
        assert_eq!(complaints[1], "marline-agents must not use marline-index");
    }

    #[test]
    fn unfinished_and_unnamed_files_are_named() {
        assert!(of_source(&source("a.rs", "//! What it is for.\n")).is_empty());
        let text = concat!("fn f() {\n    // TO", "DO: later\n}\n");
        assert_eq!(of_source(&source("a.rs", text)).len(), 2);
        assert_eq!(of_source(&source("a.rs", &format!("//! Long.\n{}", "\n".repeat(MOST_LINES)))).len(), 1);
    }

    #[test]
    fn a_path_of_one_machine_is_named_outside_tests() {
        let text = concat!("//! What it is for.\nconst HOME: &str = \"/ro", "ot/.claude\";\n");
        assert_eq!(of_source(&source("crates/a/src/b.rs", text)).len(), 1);
        assert!(of_source(&source("crates/a/tests/it/b.rs", text)).is_empty());
        let text = concat!("//! What it is for.\nmod tests {\n    // /tm", "p/here\n");
        assert!(of_source(&source("crates/a/src/b.rs", text)).is_empty());
        assert!(!names_a_machine(concat!("\".gemini/tm", "p/{id}\" \"/home/mara/wo", "rk/a\"")));
    }

    #[test]
    fn a_test_that_never_runs_is_named() {
        let names = ["main", "one", "two", "one/three", "one/four"]
            .map(|name| format!("crates/a/tests/it/{name}.rs"));
        let sources = [source(&names[0], "mod one;\n"), source(&names[1], "mod three;\n")];
        assert_eq!(
            unlisted_tests(&names, &sources),
            [
                "crates/a/tests/it/two.rs is named by no module: it never runs",
                "crates/a/tests/it/one/four.rs is named by no module: it never runs"
            ]
        );
    }

    #[test]
    fn a_document_names_files_that_exist() {
        let names = ["crates/a/src/scan.rs".to_owned()];
        let document =
            source("README.md", "`crates/a` `scan.rs` `gone.rs` `cargo build` `crates/<agent>/x.rs`");
        let complaints = dead_names(&document, &names, &|name| name == "crates/a");
        assert_eq!(complaints, ["README.md: there is no gone.rs"]);
    }
}
