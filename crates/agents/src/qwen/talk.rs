//! Qwen Code without a terminal: ACP. Source: 0.24.

use crate::acp::Acp;
use crate::drive::Launch;
use crate::gemini::talk::mode;
use crate::talk::{Begin, Order, Talk};

pub fn talk(order: &Order) -> Result<Talk, &'static str> {
    if order.is_plain {
        return Err("is spoken to through ACP alone; leave --plain out");
    }
    if matches!(order.begin, Begin::Fork { .. }) {
        return Err("has no fork without a terminal; fork the session first: marline fork ID");
    }
    let mut words = vec!["--acp".to_owned()];
    words.extend(mode(order));
    words.extend(order.more.iter().cloned());
    let launch = Launch { program: "qwen", words };
    Ok(Talk { launch, env: Vec::new(), input: None, protocol: Box::new(Acp::new(order.clone())) })
}
