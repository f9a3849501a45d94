//! `marline up`: the board.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{ErrorKind, IsTerminal as _};
use std::net::IpAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use marline_control::chain;
use marline_server::{Authority, Board, Config, Door, Identity};
use tokio::signal::unix::{SignalKind, signal};

use crate::args::up::UpArgs;
use crate::ask::ask;
use crate::commands::print_line;
use crate::context::{Places, now};
use crate::failure::Failure;
use crate::port;
use crate::terminal::{BOLD, DIM, note, styled};
use crate::ways;

/// A path of a socket can't be longer.
const MAX_SOCKET_PATH: usize = 107;
/// How long another `marline up` may take to begin.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn run(args: &UpArgs) -> Result<ExitCode, Failure> {
    let places = if args.demo { Places::read()?.of_demo() } else { Places::read()? };
    for dir in [Some(places.state.as_path()), places.socket.parent()].into_iter().flatten() {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
        made.map_err(|error| Failure::file(dir, &error))?;
    }
    if places.socket.as_os_str().len() > MAX_SOCKET_PATH {
        return Err(Failure::usage(
            &format!("{} is too long for a socket's path.", places.socket.display()),
            "Set MARLINE_HOME to a shorter path.",
        ));
    }
    let Some(_lock) = lock_or_join(args, &places)? else { return Ok(ExitCode::SUCCESS) };
    if args.demo {
        lay_down_demo(&places)?;
    }
    let listener = port::take(args.port)?;
    let local = listener.local_addr().map_err(Failure::output)?;
    let identity = args.listen.map(|address| identity(args, &places, address.ip())).transpose()?;
    let (identity, authority) = identity.unzip();
    let authority = authority.flatten();
    let ways = ways::ways(args);
    let address = ways.first().cloned().unwrap_or_else(|| format!("http://{local}"));
    let proof = match (&authority, &identity) {
        (Some(authority), _) => Some(format!("authority SHA-256 {}", authority.fingerprint)),
        (None, Some(identity)) => Some(format!("SHA-256 {}", identity.fingerprint)),
        (None, None) => None,
    };
    let board = Board::open(Config {
        index_dir: places.index.clone(),
        state_dir: places.state.clone(),
        config_dir: places.config.clone(),
        data_dir: places.data.clone(),
        marline: std::env::current_exe().map_err(|error| Failure::file(Path::new("marline"), &error))?,
        path: std::env::var_os("PATH").unwrap_or_default(),
        tmux_socket: places.tmux(),
        hook_socket: places.hooks(),
        agent_env: crate::context::variables(),
        keyring: crate::context::keyring(),
        env: places.env.clone(),
        now,
        address: format!("http://{local}"),
        ways,
        public_url: args.public_url.clone(),
        authority,
        pushes_to_loopback: std::env::var_os("MARLINE_TEST_PUSH").is_some_and(|value| value == "loopback"),
        hosts: args.host.clone(),
        random: crate::context::random,
        utc_offset_seconds: crate::context::utc_offset_seconds(),
        is_demo: args.demo,
        version: env!("CARGO_PKG_VERSION"),
    })
    .map_err(|error| Failure::board(&error))?;
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_max_level(tracing::Level::WARN)
        .with_target(false)
        .init();
    let link = board.link().map_err(|error| Failure::board(&error))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(8)
        .enable_all()
        .build()
        .map_err(|error| Failure::file(Path::new("the runtime"), &error))?;
    runtime.block_on(async {
        let mut doors = vec![
            Door::Loopback(tokio_listener(listener)?),
            Door::owner(places.socket.clone()).map_err(|error| Failure::board(&error))?,
        ];
        if let (Some(address), Some(identity)) = (args.listen, &identity) {
            let listener = std::net::TcpListener::bind(address).map_err(|error| {
                Failure::refused(
                    &format!("{address} can't be listened on: {error}."),
                    "Give another --listen.",
                )
            })?;
            doors.push(Door::Tls(tokio_listener(listener)?, identity.clone()));
        }
        end_on_signals(&board)?;
        greet(args, &link, &address, proof.as_deref())?;
        board.run(doors).await.map_err(|error| Failure::board(&error))
    })?;
    let _ = fs::remove_file(&places.socket);
    Ok(ExitCode::SUCCESS)
}

/// Writes the bundled sessions anew: their times are told from now. What was indexed of the last ones goes.
fn lay_down_demo(places: &Places) -> Result<(), Failure> {
    for dir in [places.env.home(), &places.index] {
        match fs::remove_dir_all(dir) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(Failure::file(dir, &error)),
            _ => {}
        }
    }
    let home = places.env.home();
    marline_demo::write(home, now().as_millis()).map_err(|error| Failure::file(home, &error))
}

/// Takes the place of the one board of this home. `None`: there is one already, and it was joined.
fn lock_or_join(args: &UpArgs, places: &Places) -> Result<Option<File>, Failure> {
    let path = places.state.join("lock");
    let file = File::options()
        .create(true)
        .append(true)
        .open(&path)
        .map_err(|error| Failure::file(&path, &error))?;
    let began = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::Error(error)) => return Err(Failure::file(&path, &error)),
            Err(TryLockError::WouldBlock) => {}
        }
        match ask_for_link(&places.socket) {
            Some(link) => {
                if args.listen.is_some() || args.public_url.is_some() {
                    return Err(Failure::refused(
                        "Marline is running already, and can't be made to listen elsewhere while it runs.",
                        "End it, and start it again with what you gave.",
                    ));
                }
                if args.port.is_some_and(|port| !link.contains(&format!(":{port}/"))) {
                    note("It is running on another port already.");
                }
                print_line("Marline is running already.")?;
                show_link(args, &link)?;
                return Ok(None);
            }
            None if began.elapsed() > PATIENCE => {
                return Err(Failure::refused(
                    "Another `marline up` is running and does not answer.",
                    &format!("End it; it holds {}.", path.display()),
                ));
            }
            None => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

/// Asks a running board for a link, over the owner's socket.
fn ask_for_link(socket: &Path) -> Option<String> {
    let answer = ask(socket, "POST", "/api/v1/devices/links", None).ok()?.good()?;
    answer["url"].as_str().map(str::to_owned)
}

/// The certificate of the door to other machines, and the authority behind it, where that is Marline's own.
fn identity(args: &UpArgs, places: &Places, ip: IpAddr) -> Result<(Identity, Option<Authority>), Failure> {
    let identity = match (&args.cert, &args.key) {
        (Some(cert), Some(key)) => Identity::read(cert, key).map(|identity| (identity, None)),
        _ => Authority::open(&places.state, now()).and_then(|authority| {
            let identity = Identity::own(authority.clone(), ways::names(args, ip), now)?;
            Ok((identity, Some(authority)))
        }),
    };
    identity.map_err(|error| {
        Failure::usage(&format!("{}.", chain(&error)), "Give --cert and --key as PEM files.")
    })
}

fn tokio_listener(listener: std::net::TcpListener) -> Result<tokio::net::TcpListener, Failure> {
    listener
        .set_nonblocking(true)
        .and_then(|()| tokio::net::TcpListener::from_std(listener))
        .map_err(|error| Failure::file(Path::new("the port"), &error))
}

fn greet(args: &UpArgs, link: &str, address: &str, proof: Option<&str>) -> Result<(), Failure> {
    print_line(&styled(BOLD, "Marline is up."))?;
    show_link(args, link)?;
    print_line(&format!("  {} {address}", styled(DIM, "then  ")))?;
    if let Some(proof) = proof {
        print_line(&format!("  {} {proof}", styled(DIM, "proof ")))?;
    }
    print_line(&styled(DIM, "Ctrl-C ends it."))
}

fn show_link(args: &UpArgs, link: &str) -> Result<(), Failure> {
    print_line(&format!("  {} {link}", styled(DIM, "open  ")))?;
    print_line(&styled(DIM, "         lets one browser in, once, within ten minutes"))?;
    let has_screen = cfg!(target_os = "macos")
        || ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
    if args.open || (!args.no_open && has_screen && std::io::stdout().is_terminal()) {
        let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
        let opened = Command::new(program)
            .arg(link)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        if let Err(error) = opened {
            note(&format!("No browser could be opened ({program}: {error}); open the link yourself."));
        }
    }
    Ok(())
}

/// The first signal ends everything in order, the second at once.
fn end_on_signals(board: &Board) -> Result<(), Failure> {
    let stop = board.stop();
    let fail = |error| Failure::file(Path::new("signals"), &error);
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt()).map_err(fail)?, signal(SignalKind::terminate()).map_err(fail)?);
    tokio::spawn(async move {
        for is_first in [true, false] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if is_first {
                stop.now();
            } else {
                std::process::exit(130);
            }
        }
    });
    Ok(())
}
