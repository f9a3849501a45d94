//! `corpus`: a home full of sessions, and the truth about it.

use std::time::Instant;

use marline_lab::corpus::{Options, generate};

use crate::Outcome;
use crate::arguments::Arguments;

/// Takes the options that say what to make.
pub fn options(arguments: &mut Arguments) -> Outcome<Options> {
    let default = Options::default();
    Ok(Options {
        bytes: arguments.number("--bytes")?.unwrap_or(default.bytes),
        seed: arguments.number("--seed")?.unwrap_or(default.seed),
        median: arguments.number("--median")?.unwrap_or(default.median),
    })
}

/// Makes a corpus.
pub fn run(words: &[String]) -> Outcome {
    let mut arguments = Arguments::of("corpus", words);
    let options = options(&mut arguments)?;
    let out = arguments.path("--out")?.ok_or("--out DIR is needed")?;
    arguments.end()?;
    let started = Instant::now();
    let made = generate(&out, &options).map_err(|error| error.to_string())?;
    println!(
        "{} bytes in {} files of {} sessions, {} lines, in {:.1} s",
        made.bytes,
        made.files,
        made.sessions,
        made.lines,
        started.elapsed().as_secs_f64()
    );
    Ok(())
}
