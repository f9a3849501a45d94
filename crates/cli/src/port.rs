//! Finding a free port, and who has one that is not.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use crate::failure::Failure;
use crate::terminal::note;

/// Where the board is unless it is told otherwise.
const DEFAULT: u16 = 7437;
/// Ports that are tried after it.
const TRIES: u16 = 20;

/// Takes a port of this machine: the given one, or the first free one from the default on.
pub fn take(given: Option<u16>) -> Result<TcpListener, Failure> {
    let first = given.unwrap_or(DEFAULT);
    match bind(first) {
        Ok(listener) => return Ok(listener),
        Err(error) if error.kind() == ErrorKind::AddrInUse => {}
        Err(error) => {
            return Err(Failure::refused(
                &format!("Port {first} can't be used: {error}."),
                "Try another --port.",
            ));
        }
    }
    let taken =
        format!("Port {first} is used by {}", owner(first).unwrap_or_else(|| "another process".to_owned()));
    let next =
        (1..=TRIES).filter_map(|n| first.checked_add(n)).find_map(|port| Some((port, bind(port).ok()?)));
    match (given, next) {
        (None, Some((port, listener))) => {
            note(&format!("{taken}; using {port}."));
            Ok(listener)
        }
        (_, Some((port, _))) => {
            Err(Failure::refused(&format!("{taken}."), &format!("--port {port} is free.")))
        }
        (_, None) => Err(Failure::refused(&format!("{taken}."), "Give another --port.")),
    }
}

fn bind(port: u16) -> std::io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

/// The process that listens on a port, as far as it may be seen. Linux only: `/proc/net/tcp` names the socket, the
/// process's open files name it again.
fn owner(port: u16) -> Option<String> {
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    let listens = |line: &&str| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.get(1).is_some_and(|local| local.ends_with(&format!(":{port:04X}")))
            && fields.get(3) == Some(&"0A")
    };
    let inode = table.lines().find(listens)?.split_whitespace().nth(9)?;
    let socket = format!("socket:[{inode}]");
    for process in fs::read_dir("/proc").ok()?.flatten() {
        let files = fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten();
        let mut links = files.filter_map(|file| fs::read_link(file.path()).ok());
        if links.any(|link| link.as_os_str() == socket.as_str()) {
            let name = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Some(format!("{} (process {})", name.trim(), process.file_name().to_string_lossy()));
        }
    }
    None
}
