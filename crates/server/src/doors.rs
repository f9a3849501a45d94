//! Where requests come in: loopback, another address behind TLS, the owner's socket.

use std::convert::Infallible;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::board::Board;
use crate::guard::Trust;
use crate::tls::Identity;

/// A request's head must come within this time, and so must a TLS greeting.
const PATIENCE: Duration = Duration::from_secs(15);
/// Connections at once, over all doors.
const MAX_CONNECTIONS: usize = 512;
/// What still runs when the board stops has so long to end.
const GRACE: Duration = Duration::from_secs(2);

/// Why a door could not be kept open.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The socket could not be made.
    #[error("{path}: {source}", path = path.display())]
    Socket {
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A place where requests come in.
pub enum Door {
    /// Browsers on this machine, in clear.
    Loopback(TcpListener),
    /// Browsers elsewhere.
    Tls(TcpListener, Identity),
    /// The owner's own programs.
    Owner(UnixListener),
}

impl Door {
    /// Makes the owner's socket; one that is left from a process that has ended is replaced.
    ///
    /// # Errors
    /// [`DoorError::Socket`].
    pub fn owner(path: PathBuf) -> Result<Self, DoorError> {
        let made = std::fs::remove_file(&path).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error),
        });
        made.and_then(|()| UnixListener::bind(&path))
            .and_then(|listener| {
                std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
                Ok(Door::Owner(listener))
            })
            .map_err(|source| DoorError::Socket { path, source })
    }
}

/// Ends everything: told once, heard by all.
#[derive(Clone)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Stop(Arc::new(watch::Sender::new(false)))
    }
}

impl Stop {
    /// Says that it is time.
    pub fn now(&self) {
        self.0.send_replace(true);
    }

    /// Waits until it is time.
    pub async fn wait(&self) {
        let mut told = self.0.subscribe();
        // The sender lives as long as this does.
        let _ = told.wait_for(|told| *told).await;
    }
}

/// Serves on all doors until the board stops.
pub async fn serve(board: &Board, doors: Vec<Door>) -> Result<(), DoorError> {
    let router = crate::api::router(board);
    let free = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut open = JoinSet::new();
    for door in doors {
        let (router, free, stop) = (router.clone(), free.clone(), board.stop.clone());
        open.spawn(async move {
            let mut connections = JoinSet::new();
            let stopping = stop.clone();
            tokio::select! {
                () = accept(door, router, free, stop, &mut connections) => {}
                () = stopping.wait() => {}
            }
            let ended = async { while connections.join_next().await.is_some() {} };
            let _ = tokio::time::timeout(GRACE, ended).await;
        });
    }
    while open.join_next().await.is_some() {}
    Ok(())
}

async fn accept(door: Door, router: Router, free: Arc<Semaphore>, stop: Stop, connections: &mut JoinSet<()>) {
    loop {
        while connections.try_join_next().is_some() {}
        let Ok(permit) = free.clone().acquire_owned().await else { return };
        let (router, stop) = (router.clone(), stop.clone());
        match &door {
            Door::Loopback(listener) => match listener.accept().await {
                Ok((stream, _)) => {
                    let _ = stream.set_nodelay(true);
                    connections.spawn(async move {
                        let _permit = permit;
                        answer(stream, router, Trust::Browser, stop).await;
                    });
                }
                Err(error) => pause(&error).await,
            },
            Door::Tls(listener, identity) => match listener.accept().await {
                Ok((stream, _)) => {
                    let _ = stream.set_nodelay(true);
                    let acceptor = TlsAcceptor::from(identity.config());
                    connections.spawn(async move {
                        let _permit = permit;
                        if let Ok(Ok(stream)) = tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await
                        {
                            answer(stream, router, Trust::SecureBrowser, stop).await;
                        }
                    });
                }
                Err(error) => pause(&error).await,
            },
            Door::Owner(listener) => match listener.accept().await {
                // The file's permissions keep others out; this does so where a system ignores them.
                Ok((stream, _)) if stream.peer_cred().is_ok_and(|peer| peer.uid() == own_uid()) => {
                    connections.spawn(async move {
                        let _permit = permit;
                        answer(stream, router, Trust::Owner, stop).await;
                    });
                }
                Ok(_) => {}
                Err(error) => pause(&error).await,
            },
        }
    }
}

fn own_uid() -> u32 {
    rustix::process::getuid().as_raw()
}

/// Out of file descriptors, most likely: trying again at once would only burn time.
async fn pause(error: &io::Error) {
    tracing::warn!(%error, "a connection could not be taken");
    tokio::time::sleep(Duration::from_millis(200)).await;
}

async fn answer(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    trust: Trust,
    stop: Stop,
) {
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(trust);
        let router = router.clone();
        async move {
            Ok::<_, Infallible>(
                router
                    .oneshot(request.map(axum::body::Body::new) as Request)
                    .await
                    .unwrap_or_else(|never| match never {}),
            )
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop.wait() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}
