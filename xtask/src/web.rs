//! `web`: the web app, built when something of it changed, and its checks.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::arguments::Arguments;
use crate::sources::names;
use crate::workspace::{cargo, root, scratch, target};
use crate::{Outcome, step, system};

/// What Vite and the tests need.
const OLDEST_NODE: (u32, u32) = (20, 19);

/// Builds the web app if it is not current.
pub fn run(words: &[String]) -> Outcome {
    Arguments::of("web", words).end()?;
    build()
}

/// Builds the web app into `web/dist`, from which the server takes it.
pub fn build() -> Outcome {
    install()?;
    let dist = dir().join("dist/index.html");
    when_changed("web-build", dist.exists(), &|name| !is_about_tests(name), || {
        step::run("build the web app", npm().args(["run", "--silent", "build"]))
    })
}

/// Checks format, lints, types, whether the types are those of the server's document, and runs the unit tests.
pub fn check() -> Outcome {
    install()?;
    let fresh = scratch("web-types")?.join("schema.ts");
    let arguments =
        ["--no", "openapi-typescript", "--", "openapi.json", "--root-types", "--root-types-no-schema-prefix"];
    step::run("types of the API", npx().args(arguments).arg("--output").arg(&fresh))?;
    let read = |path: &Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    if read(&fresh)? != read(&dir().join("src/api/schema.ts"))? {
        return Err(
            "web/src/api/schema.ts is not made of web/openapi.json: run `npm run types` in web/".to_owned()
        );
    }
    step::run("lints and types of the web app", npm().args(["run", "--silent", "check"]))?;
    step::run("tests of the web app", npm().args(["run", "--silent", "test"]))
}

/// Goes through the web app in a real browser, on the debug build of `marline`.
pub fn in_browser() -> Outcome {
    let browser = system::chromium()?;
    let programs = ["build", "--quiet", "--locked", "--package", "marline", "--package", "marline-lab"];
    step::run("build marline and its lab", cargo().args(programs))?;
    // Groups and queues are run from the browser, too.
    if std::env::var_os("MARLINE_SKIP_REAL_AGENTS").is_none_or(|value| value != "1") {
        let lab = target()?.join("debug/marline-lab");
        step::run("the real agents", std::process::Command::new(lab).arg("install"))?;
    }
    let mut tests = npm();
    tests.args(["run", "--silent", "e2e"]).env("MARLINE_BIN", target()?.join("debug/marline"));
    tests.env("CHROMIUM", browser).env("MARLINE_E2E_DIR", scratch("e2e")?);
    step::run("the web app in a browser", &mut tests)
}

/// Takes the README's pictures of the bundled sessions.
pub fn screenshots(words: &[String]) -> Outcome {
    Arguments::of("screenshots", words).end()?;
    build()?;
    let browser = system::chromium()?;
    step::run("build marline", cargo().args(["build", "--quiet", "--locked", "--package", "marline"]))?;
    let mut shots = npm();
    shots.args(["run", "--silent", "e2e"]).env("MARLINE_SHOTS", "1");
    shots.env("MARLINE_BIN", target()?.join("debug/marline")).env("CHROMIUM", browser);
    step::run("pictures of the board", shots.env("MARLINE_E2E_DIR", root().join("docs/images")))
}

fn dir() -> PathBuf {
    root().join("web")
}

fn npm() -> Command {
    in_web("npm")
}

fn npx() -> Command {
    in_web("npx")
}

fn in_web(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(dir());
    command
}

fn is_about_tests(name: &str) -> bool {
    name.starts_with("web/e2e/") || name.contains(".test.")
}

/// Installs the packages of the lock file, if these are not the ones that are there.
fn install() -> Outcome {
    node()?;
    let is_there = dir().join("node_modules").is_dir();
    let is_lock = |name: &str| name == "web/package-lock.json" || name == "web/.npmrc";
    // Not `npm ci`: it refuses a lock file that lacks packages of other systems, which not every registry has.
    let install = ["install", "--no-save", "--silent"];
    when_changed("web-install", is_there, &is_lock, || {
        step::run("packages of the web app", npm().args(install))
    })
}

fn node() -> Outcome {
    let (major, minor) = OLDEST_NODE;
    let wanted = format!("Node.js {major}.{minor} or newer with npm");
    let output = Command::new("node").arg("--version").output();
    let output =
        output.map_err(|_| format!("{wanted} is needed to build the web app; it is not installed"))?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let mut numbers = text.trim_start_matches('v').split('.').map_while(|part| part.parse::<u32>().ok());
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found < OLDEST_NODE {
        Err(format!("{wanted} is needed to build the web app; this is {text}"))
    } else {
        Ok(())
    }
}

/// Does something if files of `web/` are others than when it was done last.
fn when_changed(
    name: &str,
    is_there: bool,
    matters: &dyn Fn(&str) -> bool,
    act: impl FnOnce() -> Outcome,
) -> Outcome {
    let stamp = target()?.join("xtask").join(name);
    let mut hasher = DefaultHasher::new();
    for name in names()?.iter().filter(|name| name.starts_with("web/") && matters(name)) {
        name.hash(&mut hasher);
        fs::read(root().join(name)).map_err(|error| format!("{name}: {error}"))?.hash(&mut hasher);
    }
    let now = format!("{:x}", hasher.finish());
    if is_there && fs::read_to_string(&stamp).is_ok_and(|before| before == now) {
        return Ok(());
    }
    act()?;
    let written = fs::create_dir_all(stamp.parent().unwrap_or(&stamp)).and_then(|()| fs::write(&stamp, now));
    written.map_err(|error| format!("{}: {error}", stamp.display()))
}
