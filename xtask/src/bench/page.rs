//! A page in a real browser: when there is something to see, what came over the line, how it scrolls.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::Line;
use crate::workspace::{root, scratch};
use crate::{Outcome, step, system};

/// Sessions of the list that is scrolled.
pub const MANY: usize = 20_000;

/// Opens a page: when the first sessions stand there, and its script. `link` lets the browser in first.
pub fn first(name: &str, address: &str, link: Option<&str>, lines: &mut Vec<Line>) -> Outcome {
    let told = browse("first", &[address, link.unwrap_or("")])?;
    let millis = |name: &str| format!("{:.0} ms", told[name].as_f64().unwrap_or(f64::NAN));
    lines.push(Line::new(
        format!("{name}: first page, sessions on screen"),
        millis("medianMs"),
        "from the click, in a browser that knows nothing of it; goal: 300 ms",
    ));
    lines.push(Line::new(
        format!("{name}: first page, opened again"),
        millis("againMs"),
        "in a browser that was there before; goal: 300 ms",
    ));
    let value = format!("{:.0} kB", told["scriptBytes"].as_f64().unwrap_or(f64::NAN) / 1e3);
    lines.push(Line::new(format!("{name}: its script, compressed"), value, "goal: below 250 kB"));
    Ok(())
}

/// Scrolls a list of [`MANY`] sessions.
pub fn scroll(address: &str, link: &str, lines: &mut Vec<Line>) -> Outcome {
    let told = browse("scroll", &[address, link])?;
    let figure = |name: &str| told[name].as_f64().unwrap_or(f64::NAN);
    lines.push(Line::new(
        format!("board: scrolling {MANY} sessions"),
        format!("{:.1} ms a frame, p95 {:.1} ms", figure("medianMs"), figure("p95Ms")),
        format!("{:.0} frames, drawn in software; goal: 16.7 ms", figure("frames")),
    ));
    Ok(())
}

/// Writes a home with [`MANY`] small sessions.
pub fn many(home: &Path) -> Outcome {
    let folder = home.join(".claude/projects/-bench-many");
    let fail = |error: std::io::Error| format!("{}: {error}", folder.display());
    std::fs::create_dir_all(&folder).map_err(fail)?;
    for n in 0..MANY {
        let id = format!("{n:08x}-2222-4222-8333-0000000be9c0");
        let at = format!(
            "2026-{:02}-{:02}T{:02}:{:02}:00.000Z",
            1 + n / 2500,
            1 + n / 100 % 25,
            n / 60 % 24,
            n % 60
        );
        let line = format!(
            r#"{{"type":"user","uuid":"{id}","parentUuid":null,"sessionId":"{id}","timestamp":"{at}","cwd":"/bench/{}","gitBranch":"main","version":"2.1.329","message":{{"role":"user","content":"Session number {n} of many: what does it say?"}}}}"#,
            n % 40
        );
        std::fs::write(folder.join(format!("{id}.jsonl")), line + "\n").map_err(fail)?;
    }
    Ok(())
}

/// Runs the script that drives a browser; it prints one JSON object.
fn browse(what: &str, words: &[&str]) -> Outcome<Value> {
    let browser = system::chromium()?;
    let out = scratch("bench-page")?.join("told.json");
    let mut node = Command::new("node");
    node.arg("e2e/page.bench.mjs").arg(what).arg(&out).args(words);
    step::run(&format!("a browser: {what}"), node.current_dir(root().join("web")).env("CHROMIUM", browser))?;
    let told = std::fs::read(&out).map_err(|error| format!("{}: {error}", out.display()))?;
    serde_json::from_slice(&told).map_err(|error| format!("{}: {error}", out.display()))
}
