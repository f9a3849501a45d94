//! Certificates, for a board that listens beyond this machine.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use marline_model::Timestamp;
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

pub use crate::authority::Authority;
use crate::authority::{Until, fingerprint};

/// Why a certificate can't be used. Nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file holds no certificate or no key.
    #[error("{path} is no PEM file with {expected}", path = path.display())]
    Pem {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        expected: &'static str,
    },
    /// The certificate and the key don't serve.
    #[error("the certificate can't be used")]
    Unusable(#[from] rustls::Error),
    /// No certificate could be made.
    #[error("no certificate could be made")]
    Made(#[from] rcgen::Error),
}

/// A certificate with its key.
#[derive(Clone)]
pub struct Identity {
    used: Arc<RwLock<Used>>,
    own: Option<Arc<Own>>,
    /// The SHA-256 of the certificate, as browsers show it.
    pub fingerprint: String,
}

struct Used {
    config: Arc<ServerConfig>,
    until: Option<Until>,
}

/// What a certificate of the board's own is made from.
struct Own {
    authority: Authority,
    names: Vec<String>,
    now: fn() -> Timestamp,
}

impl Identity {
    /// Reads a certificate chain and its key from PEM files.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let (config, fingerprint) = load(certificate, key)?;
        Ok(Identity { used: Arc::new(RwLock::new(Used { config, until: None })), own: None, fingerprint })
    }

    /// Takes the board's own certificate for these names, signed by its own authority. It is kept, and made anew when other
    /// names are wanted or its end comes near.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn own(authority: Authority, names: Vec<String>, now: fn() -> Timestamp) -> Result<Self, TlsError> {
        let own = Own { authority, names, now };
        let (used, fingerprint) = own.use_it()?;
        Ok(Identity { used: Arc::new(RwLock::new(used)), own: Some(Arc::new(own)), fingerprint })
    }

    /// What a connection is accepted with.
    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        let is_old = |own: &Own, used: &Used| used.until.is_some_and(|until| until.is_past((own.now)()));
        let used = self.used.read().unwrap_or_else(PoisonError::into_inner);
        let Some(own) = self.own.as_ref().filter(|own| is_old(own, &used)) else {
            return used.config.clone();
        };
        drop(used);
        let mut used = self.used.write().unwrap_or_else(PoisonError::into_inner);
        if is_old(own, &used) {
            match own.use_it() {
                Ok((renewed, _)) => *used = renewed,
                // The old one is good for some weeks still.
                Err(error) => tracing::warn!(%error, "the certificate could not be made anew"),
            }
        }
        used.config.clone()
    }
}

impl Own {
    fn use_it(&self) -> Result<(Used, String), TlsError> {
        let (certificate, key, until) = self.authority.leaf(&self.names, (self.now)())?;
        let (config, fingerprint) = load(&certificate, &key)?;
        Ok((Used { config, until: Some(until) }, fingerprint))
    }
}

fn load(certificate: &Path, key: &Path) -> Result<(Arc<ServerConfig>, String), TlsError> {
    let read = |path: &Path| fs::read(path).map_err(|source| TlsError::Io { path: path.to_owned(), source });
    let wrong = |path: &Path, expected| TlsError::Pem { path: path.to_owned(), expected };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&read(certificate)?)
        .collect::<Result<_, _>>()
        .map_err(|_| wrong(certificate, "a certificate"))?;
    let first = chain.first().ok_or_else(|| wrong(certificate, "a certificate"))?;
    let fingerprint = fingerprint(first);
    let key = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|_| wrong(key, "a private key"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((Arc::new(config), fingerprint))
}
