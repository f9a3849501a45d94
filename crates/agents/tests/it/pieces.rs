//! Reading in pieces, with the state written down between them, gives what reading at once gives.

use std::fs;

use marline_agents::frame::{Framed, Framer};
use marline_agents::{Agent, Env, SessionFile, Shape, Want, registry};
use marline_lab::fixtures;

/// What a reader tells of some bytes of a file, and its state afterwards.
fn read(agent: &dyn Agent, file: &SessionFile, bytes: &[u8], state: Option<&str>) -> (Vec<String>, String) {
    let mut reader = agent.reader(file, state);
    let mut events = Vec::new();
    let mut input = bytes;
    let each = &mut |framed: Framed<'_>| {
        let Framed::Record { value, .. } = framed else { panic!("{}: broken", file.path.display()) };
        reader.read(value, Want::Everything, &mut |event| events.push(format!("{event:?}"))).unwrap();
    };
    Framer::default().lines(&mut input, 0, each).unwrap();
    (events, reader.state())
}

#[test]
fn pieces_give_what_the_whole_gives() {
    let env = Env::new(fixtures::dir().join("home"), []);
    let mut files = 0;
    for agent in registry::all() {
        for file in agent.discover(&env).files.iter().filter(|file| file.shape == Shape::Lines) {
            files += 1;
            let bytes = fs::read(&file.path).unwrap();
            let (whole, _) = read(*agent, file, &bytes, None);
            // One record a piece, the state through JSON each time, as between two refreshes.
            let (mut events, mut between) = (Vec::new(), None);
            for line in bytes.split_inclusive(|byte| *byte == b'\n') {
                let (some, state) = read(*agent, file, line, between.as_deref());
                events.extend(some);
                between = Some(state);
            }
            assert_eq!(events, whole, "{}", file.path.display());
        }
    }
    assert!(files > 30, "only {files} files");
}
