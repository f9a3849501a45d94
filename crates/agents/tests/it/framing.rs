//! What the real agents put around outputs is told as facts, and what was printed stands alone.

use std::fs;

use marline_agents::json::Raw;
use marline_agents::{Env, Event, Shape, Want, registry};
use marline_lab::fixtures;
use marline_model::{ItemKind, Source};

/// Texts that agents write for their models, and no person should have to read.
const FRAMES: [&str; 10] = [
    "Chunk ID: ",
    "Wall time: ",
    "Process exited with code",
    "Original token count",
    "<untrusted_context>",
    "Process Group PGID: ",
    "Exit Code: ",
    "Exit code 1",
    "completed with no output)",
    "[Request interrupted",
];

#[test]
fn no_frame_stands_in_an_output_or_a_notice() {
    let env = Env::new(fixtures::dir().join("home"), []);
    let (mut outputs, mut timed, mut framed, mut interrupted) = (0, 0, 0, 0);
    for agent in registry::all() {
        let source = agent.source();
        for file in agent.discover(&env).files.iter().filter(|file| file.shape == Shape::Lines) {
            let bytes = fs::read(&file.path).unwrap();
            let mut reader = agent.reader(file, None);
            for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let (value, _) = Raw::first(line).unwrap();
                let has_frame = FRAMES.iter().any(|frame| String::from_utf8_lossy(line).contains(frame));
                let check = |text: &str| {
                    let found = FRAMES.iter().find(|frame| text.contains(*frame));
                    assert_eq!(found, None, "{}: {text}", file.path.display());
                };
                let _ = reader.read(value, Want::Expand, &mut |event| match event {
                    Event::ToolEnd(end) if end.part.is_some() => {
                        check(&end.text);
                        outputs += 1;
                        framed += usize::from(has_frame);
                        timed += usize::from(source == Source::Codex && end.duration_ms.is_some());
                    }
                    Event::Item(item) if item.kind == ItemKind::Notice => {
                        check(&item.text);
                        interrupted += usize::from(item.text == "Interrupted");
                    }
                    _ => {}
                });
            }
        }
    }
    assert!(outputs > 20 && framed > 8 && timed > 5, "{outputs} outputs, {framed} framed, {timed} timed");
    assert!(interrupted > 0, "the fixtures hold a turn that was stopped");
}
