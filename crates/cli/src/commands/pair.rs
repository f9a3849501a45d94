//! `marline pair`: letting devices in, listing them, taking their access away.

use std::process::ExitCode;

use anstream::{AutoStream, ColorChoice};
use anstyle::{RgbColor, Style};
use clap::ValueEnum as _;
use marline_model::Timestamp;
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode};
use serde_json::{Value, json};

use crate::args::pair::PairArgs;
use crate::ask::ask;
use crate::commands::{print_json, print_line};
use crate::context::{Places, now};
use crate::failure::Failure;
use crate::terminal::{BOLD, DIM, ago, harmless, note, styled};

pub fn run(args: &PairArgs) -> Result<ExitCode, Failure> {
    if args.list {
        return list(args);
    }
    if let Some(id) = &args.revoke {
        return revoke(args, id);
    }
    let scope = args.scope.to_possible_value().map(|value| value.get_name().to_owned());
    let asked = json!({"scope": scope, "name": args.name, "url": args.url});
    let link = answer("POST", "/api/v1/devices/links", Some(&asked))?;
    if args.json {
        print_json(&link)?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = |name: &str| link[name].as_str().unwrap_or_default().to_owned();
    let url = text("url");
    if link["reachable"] != true {
        note(
            "Other devices can't reach this board: it listens on this machine alone. Start it with `marline up --listen \
             0.0.0.0:7443`, or behind `tailscale serve` with --public-url (docs/phone.md).",
        );
    }
    let code = QrCode::with_error_correction_level(&url, EcLevel::L)
        .map_err(|error| Failure::agent("The QR code could not be made.", &error.to_string()))?;
    print_code(&code)?;
    let scopes = words(&link["scopes"]);
    print_line(&format!("  {} {url}", styled(DIM, "open  ")))?;
    print_line(&styled(
        DIM,
        &format!("         lets one device in, once, within ten minutes; it may {scopes}"),
    ))?;
    let ways: Vec<&str> = link["ways"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for way in ways.iter().filter(|way| !url.starts_with(**way)) {
        print_line(&format!("  {} {way}", styled(DIM, "or by ")))?;
    }
    let devices = answer("GET", "/api/v1/devices", None)?;
    if let Some(fingerprint) = devices["authority"].as_str()
        && let Some(origin) = url.split("/login").next().filter(|origin| origin.starts_with("https"))
    {
        print_line(&format!("  {} {origin}/trust", styled(DIM, "first ")))?;
        print_line(&styled(
            DIM,
            "         says how the device comes to trust this board; the authority's proof is",
        ))?;
        print_line(&styled(DIM, &format!("         SHA-256 {fingerprint}")))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a code for cameras: black on white where colours are shown, else so that it is right on a dark background.
fn print_code(code: &QrCode) -> Result<(), Failure> {
    let is_coloured = AutoStream::choice(&std::io::stdout()) != ColorChoice::Never;
    let mut image = code.render::<Dense1x2>();
    if !is_coloured {
        image.dark_color(Dense1x2::Light).light_color(Dense1x2::Dark);
    }
    let paper =
        Style::new().fg_color(Some(RgbColor(0, 0, 0).into())).bg_color(Some(RgbColor(255, 255, 255).into()));
    for line in image.build().lines() {
        print_line(&styled(paper, line))?;
    }
    Ok(())
}

/// Asks the board that runs.
fn answer(method: &str, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
    let socket = Places::read()?.socket;
    let answer = ask(&socket, method, path, body)
        .map_err(|_| Failure::refused("No board runs.", "Start one: marline up --listen 0.0.0.0:7443"))?;
    let words = answer.body["detail"].as_str().unwrap_or("the board could not answer").to_owned();
    answer.good().ok_or_else(|| {
        Failure::refused(&words, "`marline pair --list` lists the devices, and docs/phone.md the ways.")
    })
}

fn words(scopes: &Value) -> String {
    let words: Vec<&str> = scopes.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if words.is_empty() { "do nothing".to_owned() } else { words.join(", ") }
}

fn list(args: &PairArgs) -> Result<ExitCode, Failure> {
    let answer = answer("GET", "/api/v1/devices", None)?;
    if args.json {
        print_json(&answer)?;
        return Ok(ExitCode::SUCCESS);
    }
    let devices = answer["devices"].as_array().cloned().unwrap_or_default();
    if devices.is_empty() {
        print_line("No device has access.")?;
        return Ok(ExitCode::from(1));
    }
    for device in devices {
        let text = |name: &str| device[name].as_str().unwrap_or_default().to_owned();
        let seen = serde_json::from_value::<Timestamp>(device["lastSeenAt"].clone()).ok();
        let seen = seen.map_or_else(String::new, |seen| ago(seen, now()));
        print_line(&harmless(&format!(
            "{}  {:<24}  {:<22}  {seen}",
            text("id"),
            text("name"),
            words(&device["scopes"])
        )))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn revoke(args: &PairArgs, id: &str) -> Result<ExitCode, Failure> {
    let devices = answer("GET", "/api/v1/devices", None)?;
    let ids: Vec<&str> = devices["devices"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|device| device["id"].as_str())
        .filter(|known| !id.is_empty() && known.starts_with(id))
        .collect();
    let [known] = ids[..] else {
        let what = if ids.is_empty() { "No device has the id" } else { "More than one device has the id" };
        return Err(Failure::usage(&format!("{what} {id:?}."), "`marline pair --list` lists them."));
    };
    answer("DELETE", &format!("/api/v1/devices/{known}"), None)?;
    if args.json {
        print_json(&json!({"revoked": known}))?;
    } else {
        print_line(&format!("{} It is out, and what it had open is closed.", styled(BOLD, known)))?;
    }
    Ok(ExitCode::SUCCESS)
}
