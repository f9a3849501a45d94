//! Who we are to push services: a key of the board's own, by which each request is signed (RFC 8292).

use std::fs;
use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use marline_model::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::json;

use crate::access::write_private;

/// A signature lasts so long; a push service takes none that lasts longer than a day.
const LIFE_SECONDS: i64 = 12 * 3600;

/// The board's key. Subscriptions are bound to it, so it is kept.
pub struct Vapid {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl Vapid {
    /// Reads the key, or makes it; only its owner can read the file.
    ///
    /// # Errors
    /// The file can't be read or written, or holds no key; it is as it was.
    pub fn open(path: &Path) -> io::Result<Self> {
        let random = SystemRandom::new();
        let odd = || io::Error::new(io::ErrorKind::InvalidData, "it holds no key of an ECDSA pair");
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random);
                let made = made.map_err(|_| io::Error::other("the system gives no random numbers"))?;
                write_private(path, made.as_ref())?;
                made.as_ref().to_vec()
            }
            Err(error) => return Err(error),
        };
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &bytes, &random);
        Ok(Vapid { pair: pair.map_err(|_| odd())?, random })
    }

    /// The public key as browsers take it: an uncompressed point in base64url.
    pub fn public(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.pair.public_key())
    }

    /// The `Authorization` of a request to a push service's origin. `None`: the system gives no random numbers.
    pub fn authorization(&self, origin: &str, contact: &str, now: Timestamp) -> Option<String> {
        let until = now.as_millis().div_euclid(1000) + LIFE_SECONDS;
        let part = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let head = part(json!({"typ": "JWT", "alg": "ES256"}));
        let claims = part(json!({"aud": origin, "exp": until, "sub": contact}));
        let said = format!("{head}.{claims}");
        let signature = self.pair.sign(&self.random, said.as_bytes()).ok()?;
        let token = format!("{said}.{}", URL_SAFE_NO_PAD.encode(signature));
        Some(format!("vapid t={token}, k={}", self.public()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    use super::*;

    #[test]
    fn the_key_is_kept_and_its_signature_holds() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("vapid.key");
        let public = Vapid::open(&file).unwrap().public();
        let vapid = Vapid::open(&file).unwrap();
        assert_eq!(vapid.public(), public);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let now = Timestamp::from_millis(1_790_000_000_000);
        let header = vapid.authorization("https://push.example", "mailto:a@example.com", now).unwrap();
        let token = header.strip_prefix("vapid t=").unwrap().split(',').next().unwrap();
        let (said, signature) = token.rsplit_once('.').unwrap();
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, URL_SAFE_NO_PAD.decode(public).unwrap());
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        assert!(key.verify(said.as_bytes(), &signature).is_ok());
        assert!(key.verify(b"something else", &signature).is_err());
        fs::write(&file, "no key").unwrap();
        assert!(Vapid::open(&file).is_err());
    }
}
