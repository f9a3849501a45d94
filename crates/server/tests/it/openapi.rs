//! The document that the web app's types are made of is the one that the code says.

use std::fs;
use std::path::Path;

#[test]
fn the_web_apps_document_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/openapi.json");
    let mut now = serde_json::to_string_pretty(&marline_server::document()).unwrap();
    now.push('\n');
    if std::env::var_os("MARLINE_PIN").is_some() {
        fs::write(&path, &now).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == now,
        "web/openapi.json is stale: MARLINE_PIN=1 rewrites it, `npm run types` in web/ makes the types"
    );
}

#[test]
fn every_operation_has_words_and_a_tag() {
    let document = serde_json::to_value(marline_server::document()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            assert!(operation["summary"].is_string(), "{method} {path}");
            assert_eq!(operation["tags"].as_array().map(Vec::len), Some(1), "{method} {path}");
        }
    }
}
