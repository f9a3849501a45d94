//! Marline's own certificate authority, for boards that other devices reach without a name that a public one would sign.
//!
//! A device trusts the authority once; the board's own certificate is made anew whenever its names change or its end comes
//! near, and the device need not be asked again. The key never leaves its file, which only its owner can read.

use std::fs;
use std::path::{Path, PathBuf};

use marline_model::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use ring::digest::{SHA256, digest};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;

use crate::access::write_private;
use crate::tls::TlsError;

const DAY_MS: i64 = 86_400_000;
/// A phone whose clock is behind takes the certificate all the same.
const BEFORE_DAYS: i64 = 2;
/// How long the authority is one.
const AUTHORITY_DAYS: i64 = 3_650;
/// How long a certificate of the board's lasts. Phones take no more than 825 days, some no more than 398.
const LEAF_DAYS: i64 = 180;
/// So long before its end it is made anew.
const SPARE_DAYS: i64 = 30;

/// The authority: its certificate, and where its key lies.
#[derive(Debug, Clone)]
pub struct Authority {
    /// Its certificate as PEM; no secret.
    pub pem: String,
    /// The SHA-256 of the certificate, as devices show it.
    pub fingerprint: String,
    dir: PathBuf,
}

/// Until when a certificate of the board's is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Until(i64);

impl Until {
    pub(crate) fn is_past(self, now: Timestamp) -> bool {
        now.as_millis() >= self.0
    }
}

impl Authority {
    /// Reads the authority of a directory, or founds it.
    ///
    /// # Errors
    /// [`TlsError`]; a certificate without its key, or a key without its certificate, is replaced by a new pair.
    pub fn open(dir: &Path, now: Timestamp) -> Result<Self, TlsError> {
        let (key, certificate) = (dir.join("ca.key"), dir.join("ca.crt"));
        if !key.exists() || !certificate.exists() {
            let pair = KeyPair::generate()?;
            let mut params = params(&pair);
            last(&mut params, now, AUTHORITY_DAYS);
            write(&key, &pair.serialize_pem())?;
            write(&certificate, &params.self_signed(&pair)?.pem())?;
        }
        let pem = read(&certificate)?;
        let der = CertificateDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| TlsError::Pem { path: certificate, expected: "a certificate" })?;
        Ok(Authority { fingerprint: fingerprint(&der), pem, dir: dir.to_owned() })
    }

    /// Returns where the board's certificate and key for these names lie, made anew where that is needed, and until when
    /// they are good.
    pub(crate) fn leaf(
        &self,
        names: &[String],
        now: Timestamp,
    ) -> Result<(PathBuf, PathBuf, Until), TlsError> {
        let file = |name: &str| self.dir.join(name);
        let (certificate, key, noted) = (file("board.crt"), file("board.key"), file("board.names"));
        let wanted = format!("{}\n{}", self.fingerprint, names.join("\n"));
        let known = fs::read_to_string(&noted).unwrap_or_default();
        let known = known.split_once('\n').and_then(|(until, names)| Some((until.parse().ok()?, names)));
        if let Some((until, names)) = known
            && names == wanted
            && !Until(until).is_past(now)
            && certificate.exists()
            && key.exists()
        {
            return Ok((certificate, key, Until(until)));
        }
        let root = self.dir.join("ca.key");
        let root = KeyPair::from_pem(&read(&root)?)?;
        let issuer = Issuer::new(params(&root), root);
        let pair = KeyPair::generate()?;
        let mut leaf = CertificateParams::new(names.to_vec())?;
        leaf.distinguished_name = named("Marline");
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        leaf.use_authority_key_identifier_extension = true;
        last(&mut leaf, now, LEAF_DAYS);
        let made = leaf.signed_by(&pair, &issuer)?;
        let until = now.as_millis() + (LEAF_DAYS - SPARE_DAYS) * DAY_MS;
        // The note last: a pair that was half written is made anew.
        let _ = fs::remove_file(&noted);
        write(&key, &pair.serialize_pem())?;
        write(&certificate, &format!("{}{}", made.pem(), self.pem))?;
        write(&noted, &format!("{until}\n{wanted}"))?;
        Ok((certificate, key, Until(until)))
    }
}

/// The SHA-256 of a certificate, as people compare it.
pub(crate) fn fingerprint(certificate: &[u8]) -> String {
    let bytes = digest(&SHA256, certificate);
    let bytes: Vec<String> = bytes.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    bytes.join(":")
}

/// What the authority is, as far as it follows from its key: a certificate that is signed later names the same issuer.
fn params(key: &KeyPair) -> CertificateParams {
    let mark = digest(&SHA256, key.public_key_raw());
    let mark: String = mark.as_ref().iter().take(3).map(|byte| format!("{byte:02x}")).collect();
    let mut params = CertificateParams::default();
    params.distinguished_name = named(&format!("Marline {mark}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn named(name: &str) -> DistinguishedName {
    let mut names = DistinguishedName::new();
    names.push(DnType::CommonName, name);
    names
}

/// Has it begin a little before now and last some days.
fn last(params: &mut CertificateParams, now: Timestamp, days: i64) {
    let midnight = |days: i64| {
        let at = jiff::Timestamp::from_millisecond(now.as_millis() + days * DAY_MS).unwrap_or_default();
        let date = at.to_zoned(jiff::tz::TimeZone::UTC).date();
        date_time_ymd(date.year().into(), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    (params.not_before, params.not_after) = (midnight(-BEFORE_DAYS), midnight(days));
}

fn read(path: &Path) -> Result<String, TlsError> {
    fs::read_to_string(path).map_err(|source| TlsError::Io { path: path.to_owned(), source })
}

fn write(path: &Path, text: &str) -> Result<(), TlsError> {
    write_private(path, text.as_bytes()).map_err(|source| TlsError::Io { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn names(all: &[&str]) -> Vec<String> {
        all.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn it_lasts_and_its_key_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let first = Authority::open(dir.path(), NOW).unwrap();
        assert_eq!(Authority::open(dir.path(), NOW).unwrap().pem, first.pem);
        let mode = fs::metadata(dir.path().join("ca.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!first.pem.contains("PRIVATE"));
    }

    #[test]
    fn a_certificate_is_made_anew_for_other_names_and_before_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::open(dir.path(), NOW).unwrap();
        let leaf = |names: &[String], days: i64| {
            let now = Timestamp::from_millis(NOW.as_millis() + days * DAY_MS);
            let (certificate, _, until) = authority.leaf(names, now).unwrap();
            assert!(!until.is_past(now));
            fs::read(certificate).unwrap()
        };
        let (one, two) = (names(&["localhost"]), names(&["localhost", "desk.local", "192.168.1.4"]));
        let first = leaf(&one, 0);
        assert_eq!(leaf(&one, LEAF_DAYS - SPARE_DAYS - 1), first);
        let renewed = leaf(&one, LEAF_DAYS - SPARE_DAYS);
        assert_ne!(renewed, first);
        assert_ne!(leaf(&two, LEAF_DAYS - SPARE_DAYS), renewed);
        fs::remove_file(dir.path().join("board.key")).unwrap();
        assert!(authority.leaf(&two, NOW).unwrap().1.exists());
    }
}
