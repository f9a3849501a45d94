//! `up`: from a fresh clone to the board.

use crate::Outcome;
use crate::arguments::Arguments;
use crate::product::Product;
use crate::web;
use crate::workspace::target;

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
        (None, _) => {}
    }
    eprintln!("Marline is {}.\n", product.program().display());
    let status = product
        .command(["up"])
        .args(is_demo.then_some("--demo"))
        .args(words)
        .status()
        .map_err(|error| format!("{} could not start ({error})", product.program().display()))?;
    if status.success() { Ok(()) } else { Err(format!("marline up ended with {status}")) }
}
