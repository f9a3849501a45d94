//! A push service on loopback, and browsers that subscribe at it: what comes is verified and decrypted by the RFCs (8030, 8188,
//! 8291, 8292) and by nothing of the code that sends it.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use p256::{PublicKey, SecretKey};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// No message is larger (RFC 8291, 4).
const LARGEST: usize = 4096;
/// A browser waits so long for a message.
const PATIENCE: Duration = Duration::from_secs(30);

/// A message that was verified and decrypted.
#[derive(Debug, Clone)]
pub struct Pushed {
    /// Which browser it was for.
    pub browser: usize,
    /// How long it is kept, in seconds.
    pub ttl: u64,
    /// What it takes the place of.
    pub topic: Option<String>,
    /// How much it hurries.
    pub urgency: Option<String>,
    /// Who the sender says to be.
    pub contact: String,
    /// What it says.
    pub said: Value,
}

/// A browser's side of a subscription.
struct Browser {
    secret: SecretKey,
    auth: [u8; 16],
    /// The only key that its sender may sign with, as it was given at the subscription.
    sender: String,
}

/// An answer that is given instead of the right one, once.
#[derive(Debug, Clone)]
pub struct Instead {
    /// The status.
    pub status: u16,
    /// `Retry-After`.
    pub retry_after: Option<String>,
    /// `Date`, in place of the true one.
    pub date: Option<String>,
}

#[derive(Default)]
struct Inside {
    browsers: Vec<Browser>,
    pushed: Vec<Pushed>,
    refused: Vec<String>,
    instead: VecDeque<Instead>,
    asked: usize,
    /// How far this service's clock is before the machine's, in seconds.
    ahead: i64,
}

/// A running service; it stops when it is dropped.
pub struct PushService {
    address: SocketAddr,
    inside: Arc<Mutex<Inside>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

type Shared = Arc<Mutex<Inside>>;

fn lock(shared: &Shared) -> std::sync::MutexGuard<'_, Inside> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PushService {
    /// Starts on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// There is no free port.
    pub fn start() -> io::Result<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let inside = Shared::default();
        let app = Router::new().fallback(take).with_state((inside.clone(), format!("http://{address}")));
        let (stop, stopped) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let serve = async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            tokio::select! {
                result = axum::serve(listener, app).into_future() => result,
                _ = stopped => Ok(()),
            }
        };
        let thread = std::thread::spawn(move || {
            let _ = runtime.block_on(serve);
        });
        Ok(PushService { address, inside, stop: Some(stop), thread: Some(thread) })
    }

    /// A browser subscribes, with the sender's public key; returns its number and what it tells the sender
    /// (`PushSubscription.toJSON()`).
    pub fn subscribe(&self, sender: &str) -> (usize, Value) {
        let random = SystemRandom::new();
        let (mut bytes, mut auth) = ([0; 32], [0; 16]);
        let secret = loop {
            random.fill(&mut bytes).expect("the system has random bytes");
            if let Ok(secret) = SecretKey::from_slice(&bytes) {
                break secret;
            }
        };
        random.fill(&mut auth).expect("the system has random bytes");
        let public = URL_SAFE_NO_PAD.encode(secret.public_key().to_encoded_point(false).as_bytes());
        let mut inside = lock(&self.inside);
        let number = inside.browsers.len();
        inside.browsers.push(Browser { secret, auth, sender: sender.to_owned() });
        let endpoint = format!("http://{}/to/{number}", self.address);
        let keys = json!({"p256dh": public, "auth": URL_SAFE_NO_PAD.encode(auth)});
        (number, json!({"endpoint": endpoint, "expirationTime": null, "keys": keys}))
    }

    /// Has the next request answered otherwise.
    pub fn instead(&self, instead: Instead) {
        lock(&self.inside).instead.push_back(instead);
    }

    /// Sets its clock before the machine's, in seconds.
    pub fn be_ahead(&self, seconds: i64) {
        lock(&self.inside).ahead = seconds;
    }

    /// How many requests came.
    pub fn asked(&self) -> usize {
        lock(&self.inside).asked
    }

    /// Why requests were refused.
    pub fn refused(&self) -> Vec<String> {
        lock(&self.inside).refused.clone()
    }

    /// Says whether so many messages come within a time.
    pub fn comes(&self, count: usize, within: Duration) -> bool {
        let began = Instant::now();
        while lock(&self.inside).pushed.len() < count {
            if began.elapsed() > within {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        true
    }

    /// Waits until so many messages came, and returns all of them.
    ///
    /// # Panics
    /// They don't come.
    pub fn wait_for(&self, count: usize) -> Vec<Pushed> {
        let began = Instant::now();
        loop {
            let inside = lock(&self.inside);
            if inside.pushed.len() >= count {
                return inside.pushed.clone();
            }
            let (pushed, refused) = (inside.pushed.clone(), inside.refused.clone());
            drop(inside);
            assert!(
                began.elapsed() < PATIENCE,
                "{count} messages don't come; {pushed:?} did, {refused:?} was refused"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for PushService {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn take(
    State((shared, origin)): State<(Shared, String)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut inside = lock(&shared);
    inside.asked += 1;
    if let Some(Instead { status, retry_after, date }) = inside.instead.pop_front() {
        let mut response =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response();
        for (name, value) in [("retry-after", retry_after), ("date", date)] {
            if let Some(value) = value.and_then(|value| value.parse().ok()) {
                response.headers_mut().insert(name, value);
            }
        }
        return response;
    }
    let number = uri.path().strip_prefix("/to/").and_then(|number| number.parse::<usize>().ok());
    let Some(number) = number.filter(|number| *number < inside.browsers.len()) else {
        return StatusCode::GONE.into_response();
    };
    if method != Method::POST {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let date = jiff::Timestamp::now().as_second() + inside.ahead;
    let read = read(&inside.browsers[number], number, &origin, &headers, &body, date);
    match read {
        Ok(pushed) => {
            inside.pushed.push(pushed);
            StatusCode::CREATED.into_response()
        }
        Err((status, why)) => {
            inside.refused.push(why.clone());
            let date = jiff::Timestamp::from_second(date).unwrap_or_default();
            let date = date.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            (status, [("date", date)], why).into_response()
        }
    }
}

type Refused = (StatusCode, String);

fn read(
    browser: &Browser,
    number: usize,
    origin: &str,
    headers: &HeaderMap,
    body: &[u8],
    now: i64,
) -> Result<Pushed, Refused> {
    let one = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let bad = |why: &str| (StatusCode::BAD_REQUEST, why.to_owned());
    let forbidden = |why: String| (StatusCode::FORBIDDEN, why);
    let contact =
        signed(&one("authorization").unwrap_or_default(), browser, origin, now).map_err(forbidden)?;
    let ttl = one("ttl").and_then(|ttl| ttl.parse().ok()).ok_or_else(|| bad("no TTL"))?;
    let topic = one("topic");
    let is_short = |topic: &String| {
        topic.len() <= 32 && topic.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    if !topic.as_ref().is_none_or(is_short) {
        return Err(bad("a topic has 32 characters of base64url at most"));
    }
    let urgency = one("urgency");
    if !urgency.as_deref().is_none_or(|urgency| ["very-low", "low", "normal", "high"].contains(&urgency)) {
        return Err(bad("no such urgency"));
    }
    if one("content-encoding").as_deref() != Some("aes128gcm") {
        return Err(bad("it is not aes128gcm"));
    }
    if body.len() > LARGEST {
        return Err((StatusCode::PAYLOAD_TOO_LARGE, "too large".to_owned()));
    }
    let text = decrypt(browser, body).ok_or_else(|| bad("it can't be decrypted"))?;
    let said = serde_json::from_slice(&text).map_err(|_| bad("it is no JSON"))?;
    Ok(Pushed { browser: number, ttl, topic, urgency, contact, said })
}

/// Verifies who sent it (RFC 8292); returns whom they say to be.
fn signed(header: &str, browser: &Browser, origin: &str, now: i64) -> Result<String, String> {
    let parts = header.strip_prefix("vapid ").ok_or("no vapid")?;
    let part = |name: &str| {
        let found = parts.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
        found.map(str::to_owned).ok_or(format!("no {name}"))
    };
    let (token, key) = (part("t")?, part("k")?);
    if key != browser.sender {
        return Err("it is another sender than the one that was subscribed to".to_owned());
    }
    let (said, signature) = token.rsplit_once('.').ok_or("no token")?;
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| "no base64url".to_owned());
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, bytes(&key)?);
    public.verify(said.as_bytes(), &bytes(signature)?).map_err(|_| "the signature is wrong".to_owned())?;
    let (head, claims) = said.split_once('.').ok_or("no token")?;
    let value = |text: &str| -> Result<Value, String> {
        serde_json::from_slice(&bytes(text)?).map_err(|_| "no JSON".to_owned())
    };
    let (head, claims) = (value(head)?, value(claims)?);
    if head["alg"] != "ES256" || claims["aud"] != origin {
        return Err(format!("it is signed for {} with {}", claims["aud"], head["alg"]));
    }
    let until = claims["exp"].as_i64().unwrap_or(0);
    if until <= now || until > now + 24 * 3600 {
        return Err(format!("it is signed until {until}, and now is {now}"));
    }
    let contact = claims["sub"].as_str().unwrap_or_default();
    if !contact.starts_with("mailto:") && !contact.starts_with("https://") {
        return Err("nobody can be turned to".to_owned());
    }
    Ok(contact.to_owned())
}

/// A length for HKDF.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn derive<const N: usize>(salt: &[u8], secret: &[u8], info: &[&[u8]]) -> Option<[u8; N]> {
    let mut out = [0; N];
    Salt::new(HKDF_SHA256, salt).extract(secret).expand(info, Length(N)).ok()?.fill(&mut out).ok()?;
    Some(out)
}

/// Decrypts a message of one record (RFC 8188 with the keys of RFC 8291).
fn decrypt(browser: &Browser, body: &[u8]) -> Option<Vec<u8>> {
    let (salt, rest) = body.split_at_checked(16)?;
    let (size, rest) = rest.split_at_checked(4)?;
    let size = u32::from_be_bytes(size.try_into().ok()?) as usize;
    let (length, rest) = rest.split_first()?;
    let (sender, record) = rest.split_at_checked(usize::from(*length))?;
    if record.len() > size {
        return None;
    }
    let public = PublicKey::from_sec1_bytes(sender).ok()?;
    let shared = p256::ecdh::diffie_hellman(browser.secret.to_nonzero_scalar(), public.as_affine());
    let own = browser.secret.public_key().to_encoded_point(false);
    let input: [u8; 32] =
        derive(&browser.auth, shared.raw_secret_bytes(), &[b"WebPush: info\0", own.as_bytes(), sender])?;
    let key: [u8; 16] = derive(salt, &input, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce: [u8; 12] = derive(salt, &input, &[b"Content-Encoding: nonce\0"])?;
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).ok()?);
    let mut record = record.to_vec();
    let text = key.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut record).ok()?;
    // The last record ends with a 2 and padding.
    let end = text.iter().rposition(|byte| *byte != 0)?;
    (text[end] == 2).then(|| text[..end].to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc_is_decrypted() {
        // RFC 8291, appendix A.
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
        let secret = SecretKey::from_slice(&bytes("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")).unwrap();
        let auth = bytes("BTBZMqHH6r4Tts7J_aSIgg").try_into().unwrap();
        let browser = Browser { secret, auth, sender: String::new() };
        let body = bytes(
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_y\
             l95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
        );
        assert_eq!(decrypt(&browser, &body).unwrap(), b"When I grow up, I want to be a watermelon");
        let mut broken = body.clone();
        *broken.last_mut().unwrap() ^= 1;
        assert!(decrypt(&browser, &broken).is_none());
    }

    #[test]
    fn the_clock_counts() {
        let now = jiff::Timestamp::now().as_second();
        let browser = Browser {
            secret: SecretKey::from_slice(&[1; 32]).unwrap(),
            auth: [0; 16],
            sender: "k".to_owned(),
        };
        assert!(signed("vapid t=a.b.c, k=other", &browser, "http://x", now).is_err());
        assert!(signed("vapid t=a.b.c, k=k", &browser, "http://x", now).is_err());
    }
}
