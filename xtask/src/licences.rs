//! Licences and origins of everything we build on, from what cargo says; advisories too, where cargo-deny is installed.

use std::process::Command;

use serde_json::Value;

use crate::Outcome;
use crate::workspace::{Depth, metadata, root};

/// Licences that a program under MIT or Apache-2.0 may be built on. The same list stands in `deny.toml`.
const ALLOWED: [&str; 15] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Checks all dependencies.
pub fn check() -> Outcome {
    let complaints = complaints(&metadata(Depth::Everything)?);
    if !complaints.is_empty() {
        return Err(complaints.join("\n"));
    }
    let mut deny = Command::new("cargo");
    deny.current_dir(root()).args(["deny", "--version"]);
    if !deny.output().is_ok_and(|output| output.status.success()) {
        eprintln!("   cargo-deny is not installed: advisories were not looked up.");
        return Ok(());
    }
    let mut deny = Command::new("cargo");
    let status = deny.current_dir(root()).args(["deny", "--log-level", "error", "check"]).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("cargo deny check ended with {status}")),
        Err(error) => Err(format!("cargo deny could not start ({error})")),
    }
}

fn complaints(metadata: &Value) -> Vec<String> {
    let mut complaints = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        let name = format!(
            "{} {}",
            package["name"].as_str().unwrap_or(""),
            package["version"].as_str().unwrap_or("")
        );
        match package["source"].as_str() {
            // Our own.
            None => {}
            Some(source) if source.starts_with("registry+") || source.starts_with("sparse+") => {}
            Some(source) => complaints.push(format!("{name} comes from {source}, not from a registry")),
        }
        match package["license"].as_str() {
            Some(expression) if is_allowed(expression) => {}
            Some(expression) => {
                complaints.push(format!("{name} is under {expression}, which is not allowed"))
            }
            None => complaints.push(format!("{name} names no licence")),
        }
    }
    complaints
}

/// Reads an SPDX expression: `OR` binds less than `AND`; the old `/` means `OR`.
fn is_allowed(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    any_of(&mut expression.replace('(', " ( ").replace(')', " ) ").split_whitespace().peekable())
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any_of(words: &mut Words<'_>) -> bool {
    let mut is_allowed = all_of(words);
    while words.next_if_eq(&"OR").is_some() {
        is_allowed |= all_of(words);
    }
    is_allowed
}

fn all_of(words: &mut Words<'_>) -> bool {
    let mut is_allowed = one(words);
    while words.next_if_eq(&"AND").is_some() {
        is_allowed &= one(words);
    }
    is_allowed
}

fn one(words: &mut Words<'_>) -> bool {
    match words.next() {
        Some("(") => {
            let is_allowed = any_of(words);
            words.next_if_eq(&")").is_some() && is_allowed
        }
        Some(name) => {
            let exception = words.next_if_eq(&"WITH").and_then(|_| words.next());
            let name = exception.map_or(name.to_owned(), |exception| format!("{name} WITH {exception}"));
            ALLOWED.contains(&name.as_str())
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_as_spdx_says() {
        for allowed in [
            "MIT",
            "MIT/Apache-2.0",
            "GPL-3.0 OR MIT",
            "(MIT OR Apache-2.0) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception OR GPL-2.0",
        ] {
            assert!(is_allowed(allowed), "{allowed}");
        }
        for refused in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR ISC) AND AGPL-3.0", "", "MIT WITH Nothing"] {
            assert!(!is_allowed(refused), "{refused}");
        }
    }

    #[test]
    fn cargo_deny_allows_the_same() {
        let text = include_str!("../../deny.toml");
        let list = text.split_once("\nallow = [").unwrap().1.split_once(']').unwrap().0;
        let listed: Vec<&str> = list.split('"').skip(1).step_by(2).collect();
        assert_eq!(listed, ALLOWED);
    }

    #[test]
    fn what_comes_from_elsewhere_is_named() {
        let metadata = serde_json::json!({"packages": [
            {"name": "a", "version": "1.0.0", "source": "git+https://example.org/a", "license": "MIT"},
            {"name": "b", "version": "1.0.0", "source": "registry+https://example.org", "license": null},
            {"name": "c", "version": "1.0.0", "source": null, "license": "MIT"},
        ]});
        assert_eq!(complaints(&metadata).len(), 2);
    }
}
