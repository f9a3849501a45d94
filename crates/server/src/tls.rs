//! Certificates, for a board that listens beyond this machine.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ring::digest::{SHA256, digest};
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::access::write_private;

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
    pub(crate) config: Arc<ServerConfig>,
    /// The SHA-256 of the certificate, as browsers show it.
    pub fingerprint: String,
}

impl Identity {
    /// Reads a certificate chain and its key from PEM files.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn read(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let read =
            |path: &Path| fs::read(path).map_err(|source| TlsError::Io { path: path.to_owned(), source });
        let wrong = |path: &Path, expected| TlsError::Pem { path: path.to_owned(), expected };
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(&read(certificate)?)
            .collect::<Result<_, _>>()
            .map_err(|_| wrong(certificate, "a certificate"))?;
        let first = chain.first().ok_or_else(|| wrong(certificate, "a certificate"))?;
        let fingerprint: Vec<String> =
            digest(&SHA256, first).as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
        let key = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|_| wrong(key, "a private key"))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Identity { config: Arc::new(config), fingerprint: fingerprint.join(":") })
    }

    /// Reads the board's own certificate, or makes one for these names; it is kept, so that a browser that trusts it
    /// goes on doing so. Other names make another certificate.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn own(dir: &Path, names: &[String]) -> Result<Self, TlsError> {
        let file = |name: &str| dir.join(name);
        let (certificate, key, named) = (file("board.crt"), file("board.key"), file("board.names"));
        let wanted = names.join("\n");
        if fs::read_to_string(&named).is_ok_and(|known| known == wanted) {
            return Identity::read(&certificate, &key);
        }
        let made = rcgen::generate_simple_self_signed(names.to_vec())?;
        for (path, text) in
            [(&key, made.signing_key.serialize_pem()), (&certificate, made.cert.pem()), (&named, wanted)]
        {
            write_private(path, text.as_bytes())
                .map_err(|source| TlsError::Io { path: path.clone(), source })?;
        }
        Identity::read(&certificate, &key)
    }
}
