//! What is found wrong with an order before anything starts.

use std::fs::File;
use std::io::Read as _;
use std::path::PathBuf;

use marline_agents::image::media_type;
use marline_agents::talk::{Begin, Order};
use marline_model::{SessionId, Source};
use marline_store::work::{Options, WorkError};

use crate::target::agent;

/// Longer names are a mistake.
const LONGEST_NAME: usize = 200;

pub(super) fn check_name(name: &str) -> Result<(), WorkError> {
    let is_fine = !name.trim().is_empty() && name.len() <= LONGEST_NAME && !name.contains(char::is_control);
    is_fine
        .then_some(())
        .ok_or_else(|| WorkError::invalid("a name is one line of at most 200 bytes, and not empty"))
}

pub(crate) fn check_prompt(prompt: &str) -> Result<(), WorkError> {
    if prompt.trim().is_empty() {
        return Err(WorkError::invalid("the prompt is empty"));
    }
    if prompt.contains('\0') {
        return Err(WorkError::invalid("the prompt holds a zero byte"));
    }
    Ok(())
}

pub(super) fn check_images(images: &[PathBuf]) -> Result<(), WorkError> {
    for image in images {
        let mut first = [0; 12];
        let read = File::open(image).and_then(|mut file| file.read(&mut first));
        read.map_err(|error| WorkError::invalid(format!("{}: {error}", image.display())))?;
        if media_type(&first).is_none() {
            let words = format!("{} is no picture: PNG, JPEG, GIF and WebP are", image.display());
            return Err(WorkError::invalid(words));
        }
    }
    Ok(())
}

/// Says before anything starts what an agent can't do of what is asked.
pub(crate) fn check_order(
    source: Source,
    session: Option<&SessionId>,
    options: &Options,
    images: &[PathBuf],
) -> Result<(), WorkError> {
    let begin = match session {
        Some(session) => Begin::Resume { session: session.raw().to_owned() },
        None => Begin::New { id: String::new() },
    };
    let order = Order {
        begin,
        prompt: String::new(),
        key: String::new(),
        cwd: PathBuf::new(),
        images: images.to_vec(),
        provider: None,
        model: options.model.clone(),
        permission: options.permission,
        more: options.arguments.clone(),
        env: options.env.clone(),
        is_plain: options.is_plain,
    };
    let agent = agent(source);
    let cannot = |cannot: &str| WorkError::invalid(format!("{} {cannot}", agent.name()));
    agent.drive().talk(&order).map(drop).map_err(cannot)
}
