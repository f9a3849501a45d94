//! `marline index`: bring the index up to date, once or for as long as asked.

use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use marline_index::{Progress, Refreshed};
use serde_json::json;

use crate::args::IndexArgs;
use crate::commands::{print_json, print_line};
use crate::context::Context;
use crate::failure::Failure;
use crate::terminal::note;

/// A progress bar on standard error that appears only when the work takes a while.
pub struct Bar {
    bar: ProgressBar,
    started: Instant,
    json: bool,
}

/// Nobody wants to see a bar for less.
const PATIENCE: Duration = Duration::from_millis(500);

impl Bar {
    pub fn new(json: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template(
            "{prefix} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta} left",
        );
        bar.set_style(style.expect("the template is valid"));
        bar.set_prefix("Reading");
        Bar { bar, started: Instant::now(), json }
    }

    pub fn show(&self, progress: Progress) {
        if self.json {
            self.print(progress);
            return;
        }
        if self.bar.is_hidden() && self.started.elapsed() > PATIENCE {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        match progress {
            Progress::Planned { bytes, .. } => self.bar.set_length(bytes),
            Progress::Read(bytes) => self.bar.set_position(bytes),
            Progress::MessagesSearchable => self.bar.set_prefix("Indexing tool output"),
            Progress::Indexed { bytes, of } => {
                self.bar.set_length(of);
                self.bar.set_position(bytes);
            }
        }
    }

    fn print(&self, progress: Progress) {
        let elapsed = self.started.elapsed().as_millis() as u64;
        let line = match progress {
            Progress::Planned { files, bytes } => {
                json!({"event": "planned", "files": files, "bytes": bytes, "elapsedMs": elapsed})
            }
            Progress::MessagesSearchable => json!({"event": "messagesSearchable", "elapsedMs": elapsed}),
            Progress::Indexed { bytes, of } => {
                json!({"event": "indexed", "share": bytes as f64 / (of.max(1)) as f64, "elapsedMs": elapsed})
            }
            Progress::Read(_) => return,
        };
        // A closed pipe ends the printing, not the indexing.
        let _ = print_json(&line);
    }

    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

pub fn run(args: &IndexArgs) -> Result<ExitCode, Failure> {
    let context = Context::open()?;
    let started = Instant::now();
    if args.full && !context.index.forget()? {
        return Err(Failure::usage("Another marline is indexing.", "Wait for it, or end it."));
    }
    let stop = AtomicBool::new(false);
    let bar = Bar::new(args.json);
    let refreshed = context.index.refresh(&context.env, &stop, &|progress| bar.show(progress))?;
    bar.clear();
    let report = match refreshed {
        Refreshed::Done(report) => report,
        Refreshed::Busy => {
            note("Another marline is indexing; what it has committed can be read.");
            return Ok(ExitCode::SUCCESS);
        }
    };
    let elapsed = started.elapsed();
    if args.json {
        print_json(&json!({
            "event": "done", "files": report.files, "read": report.read, "bytes": report.bytes, "gone": report.gone,
            "problems": report.problems.len(), "elapsedMs": elapsed.as_millis() as u64,
        }))?;
    } else {
        let rate = report.bytes as f64 / 1e6 / elapsed.as_secs_f64().max(1e-3);
        print_line(&format!(
            "{} files, {} read ({:.1} MB at {:.0} MB/s) in {:.2} s.",
            report.files,
            report.read,
            report.bytes as f64 / 1e6,
            rate,
            elapsed.as_secs_f64(),
        ))?;
        for (path, problem) in &report.problems {
            note(&format!("{}: {problem}", path.display()));
        }
    }
    if args.watch {
        let failed = AtomicBool::new(false);
        marline_index::watch(&context.index, &context.env, &stop, &|_| (), &mut |report| {
            if report.read > 0 && args.json {
                let line = json!({"event": "refreshed", "read": report.read, "bytes": report.bytes});
                failed.store(print_json(&line).is_err(), Ordering::Relaxed);
            }
            stop.fetch_or(failed.load(Ordering::Relaxed), Ordering::Relaxed);
        })?;
    }
    Ok(ExitCode::SUCCESS)
}
