//! The command line of devices.

use clap::{Args, ValueEnum};

/// Let a phone or another device in
///
/// Prints a QR code with a link that works once, within ten minutes, through the board that runs. The board must be reachable from
/// the device: docs/phone.md says how.
#[derive(Args)]
pub struct PairArgs {
    /// What the device may do: look, also say something to agents, or also allow, start, end and change everything
    #[arg(long, value_enum, default_value_t = PairScope::Approve)]
    pub scope: PairScope,
    /// What the device is called; by default as its browser calls itself
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Where the device reaches this board; by default the first of its addresses
    #[arg(long, value_name = "URL")]
    pub url: Option<String>,
    /// List the devices that have access, with what they may do and when they were last here
    #[arg(long, conflicts_with_all = ["scope", "name", "url", "revoke"])]
    pub list: bool,
    /// Take a device's access away
    #[arg(long, value_name = "ID", conflicts_with_all = ["scope", "name", "url"])]
    pub revoke: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What a device may do; each with those before it.
#[derive(Clone, Copy, ValueEnum)]
pub enum PairScope {
    /// Look
    View,
    /// Say something to agents
    Reply,
    /// Everything
    Approve,
}

/// An address of the board's behind a proxy.
pub fn public_url(text: &str) -> Result<String, String> {
    let url = text.trim_end_matches('/').to_ascii_lowercase();
    let host = url.strip_prefix("https://").unwrap_or_default();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    if host.is_empty() || !host.bytes().all(is_plain) {
        return Err("it is https:// and a host, without a path".to_owned());
    }
    Ok(url)
}
