//! The command line of the board.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::pair::public_url;

/// Index, watch and show everything in a browser
///
/// Prints a link that lets one browser in, once; a second `marline up` prints another one. Only this machine can
/// connect, unless --listen says otherwise: then connections are encrypted, and each browser must be let in by such a
/// link as well.
#[derive(Args)]
pub struct UpArgs {
    /// Listen on this port of this machine; by default 7437 or the next free one
    #[arg(long)]
    pub port: Option<u16>,
    /// Open the link in a browser
    #[arg(long, conflicts_with = "no_open")]
    pub open: bool,
    /// Don't open it; by default it is opened where there is a terminal and a screen
    #[arg(long)]
    pub no_open: bool,
    /// Show bundled sessions instead of yours: a few days of five agents in three projects
    #[arg(long)]
    pub demo: bool,
    /// Listen on this address, too, encrypted: 0.0.0.0:7443
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// A name that browsers reach this machine by; can be given several times
    #[arg(long, value_name = "NAME")]
    pub host: Vec<String>,
    /// The certificate for --listen, PEM; by default one is made
    #[arg(long, value_name = "FILE", requires = "key")]
    pub cert: Option<PathBuf>,
    /// Its private key, PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,
    /// The address of a reverse proxy that speaks TLS and passes on to this machine's port, as `tailscale serve` does:
    /// `https://desk.tail.net`
    #[arg(long, value_name = "URL", value_parser = public_url)]
    pub public_url: Option<String>,
}
