//! The door to other machines, seen by a real TLS client; and a proxy that speaks TLS itself.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use ureq::tls::{Certificate, RootCerts, TlsConfig, TlsProvider};

use crate::board::TestBoard;

fn client(roots: &[Certificate<'static>]) -> ureq::Agent {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .root_certs(RootCerts::new_with_certs(roots))
        .build();
    ureq::Agent::config_builder()
        .tls_config(tls)
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .into()
}

#[test]
fn a_device_that_trusts_the_authority_is_let_in_over_tls() {
    let board = TestBoard::with_authority();
    // The authority's certificate is had without access, and is no secret.
    let pem = board.ask_plainly("GET", "/ca.crt", &[]);
    assert_eq!(pem.header("content-type"), Some("application/x-x509-ca-cert"));
    let authority = Certificate::from_pem(&pem.body).unwrap().to_owned();
    let address = format!("https://localhost:{}", board.tls_port);

    assert!(client(&[]).get(format!("{address}/healthz")).call().is_err(), "nobody trusts it by itself");
    let trusting = client(&[authority]);
    let mut answer = trusting.get(format!("{address}/healthz")).call().unwrap();
    assert_eq!(answer.body_mut().read_to_string().unwrap(), "ok");

    let link = board.post("/api/v1/devices/links", &Value::Null);
    assert_eq!(link.status, 400, "null is no request");
    let link = board.ask("POST", "/api/v1/devices/links", &[]).json();
    assert_eq!(link["reachable"], true);
    let url = link["url"].as_str().unwrap();
    assert!(url.starts_with(&format!("https://127.0.0.1:{}/login", board.tls_port)), "{url}");
    let welcome = trusting.get(url).call().unwrap();
    let cookie = welcome.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("; Secure"), "{cookie}");
    let secret = cookie.split(';').next().unwrap();
    let status = trusting.get(format!("{address}/api/v1/status")).header("cookie", secret).call().unwrap();
    assert_eq!(status.status(), 200);
    let origin = |origin: &str| {
        let post = trusting.post(format!("{address}/api/v1/devices/links"));
        post.header("cookie", secret).header("origin", origin).send_empty().unwrap().status().as_u16()
    };
    assert_eq!(origin(&address), 200);
    assert_eq!(origin(&address.replace("https", "http")), 403);
}

#[test]
fn openssl_agrees() {
    let board = TestBoard::with_authority();
    let authority = board.dir.path().join("ca.pem");
    std::fs::write(&authority, board.ask_plainly("GET", "/ca.crt", &[]).body).unwrap();
    let connect = format!("127.0.0.1:{}", board.tls_port);
    let mut openssl = std::process::Command::new("openssl");
    openssl.args([
        "s_client",
        "-connect",
        &connect,
        "-verify_return_error",
        "-verify_hostname",
        "localhost",
        "-CAfile",
    ]);
    openssl.arg(&authority).stdin(std::process::Stdio::null());
    // Where there is no openssl, the test above is all there is.
    let Ok(output) = openssl.output() else { return };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.contains("Verify return code: 0 (ok)"), "{text}");
}

#[test]
fn a_proxy_that_speaks_tls_is_as_good_as_tls() {
    let dir = tempfile::tempdir().unwrap();
    let board = TestBoard::start_as(dir, |config| {
        config.public_url = Some("https://desk.tail.net".to_owned());
        config.ways = vec!["https://desk.tail.net".to_owned()];
    });
    let host = ("host", "desk.tail.net");
    let link = board.ask("POST", "/api/v1/devices/links", &[]).json();
    let path = link["url"].as_str().unwrap().strip_prefix("https://desk.tail.net").unwrap().to_owned();
    let welcome = board.ask_plainly("GET", &path, &[host]);
    assert!(welcome.header("set-cookie").unwrap().contains("; Secure"));
    let ask = |origin: &str| board.ask("POST", "/api/v1/devices/links", &[host, ("origin", origin)]).status;
    assert_eq!(ask("https://desk.tail.net"), 200);
    assert_eq!(ask("http://desk.tail.net"), 403, "in clear it is another site");
    assert_eq!(ask("https://evil.example"), 403);
    assert_eq!(board.ask("GET", "/api/v1/status", &[("host", "other.tail.net")]).status, 403);
    // On the machine itself nothing is different.
    let own = format!("http://127.0.0.1:{}", board.port);
    assert_eq!(board.ask("GET", "/api/v1/status", &[("origin", &own)]).status, 200);
}
