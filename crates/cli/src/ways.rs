//! How other devices reach this machine.

use std::net::{IpAddr, SocketAddr, UdpSocket};

use crate::args::up::UpArgs;

/// An address for documents: asking the way to it tells which of ours leads out, and nothing is sent.
const ELSEWHERE: &str = "192.0.2.1:9";

/// The addresses of the board for devices elsewhere, the best first.
pub fn ways(args: &UpArgs) -> Vec<String> {
    let mut ways: Vec<String> = args.public_url.iter().cloned().collect();
    if let Some(listen) = args.listen {
        let named = args.host.iter().map(|name| format!("https://{name}:{}", listen.port()));
        ways.extend(named);
        ways.extend(address(listen.ip()).map(|ip| format!("https://{}", SocketAddr::new(ip, listen.port()))));
    }
    ways
}

/// The names that the board's own certificate is for.
pub fn names(args: &UpArgs, listen: IpAddr) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    names.extend(args.host.iter().cloned());
    names.extend(address(listen).map(|ip| ip.to_string()));
    names.dedup();
    names
}

/// The address that others use; one that means all of this machine's is none.
fn address(listen: IpAddr) -> Option<IpAddr> {
    if !listen.is_unspecified() {
        return Some(listen);
    }
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect(ELSEWHERE).ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_unspecified()).then_some(ip)
}
