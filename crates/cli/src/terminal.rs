//! Writing to a terminal: styles, columns, harmless text, links, a pager.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};
use std::process::{Child, Command, Stdio};

use anstyle::{AnsiColor, Style};
use marline_model::{ItemKind, Source, Timestamp};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// For what is beside the point.
pub const DIM: Style = Style::new().dimmed();
/// For what is looked at first.
pub const BOLD: Style = Style::new().bold();
/// For words that were searched for.
pub const HIT: Style = Style::new().bold().fg_color(Some(anstyle::Color::Ansi(AnsiColor::Yellow)));

/// Each agent has one colour.
pub fn source_style(source: Source) -> Style {
    let color = match source {
        Source::Claude => AnsiColor::Red,
        Source::Codex => AnsiColor::Cyan,
        Source::Gemini => AnsiColor::Blue,
        Source::OpenCode => AnsiColor::Green,
        Source::Qwen => AnsiColor::Magenta,
    };
    Style::new().fg_color(Some(color.into()))
}

/// Each kind of item has one, where it has any.
pub fn kind_style(kind: ItemKind) -> Style {
    let color = match kind {
        ItemKind::Prompt => AnsiColor::Green,
        ItemKind::Answer => AnsiColor::Blue,
        ItemKind::Tool | ItemKind::FileChange => AnsiColor::Cyan,
        ItemKind::Error => AnsiColor::Red,
        ItemKind::Compaction => AnsiColor::Yellow,
        _ => return DIM,
    };
    Style::new().bold().fg_color(Some(color.into()))
}

/// Puts a text in a style.
pub fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Says something on standard error.
pub fn note(text: &str) {
    anstream::eprintln!("{}", styled(DIM, &harmless(text)));
}

/// Makes a text that somebody else wrote harmless to a terminal: control characters are shown, not sent, and
/// characters that turn the direction of writing are made visible.
pub fn harmless(text: &str) -> Cow<'_, str> {
    let is_bad = |c: char| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{061c}')
    };
    if !text.contains(is_bad) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\r' => {}
            c if (c as u32) < 0x20 && is_bad(c) => out.push(char::from_u32(0x2400 + c as u32).unwrap_or('?')),
            '\u{7f}' => out.push('\u{2421}'),
            c if is_bad(c) => out.push_str(&format!("<U+{:04X}>", c as u32)),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Puts a text on one line and cuts it to a width in columns.
pub fn fit(text: &str, width: usize) -> String {
    let line: String = harmless(text).split_whitespace().collect::<Vec<_>>().join(" ");
    if line.width() <= width {
        return line;
    }
    let mut out = String::new();
    let mut used = 1;
    for c in line.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

/// Fills a text up with blanks.
pub fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// The width of the terminal, if standard output is one.
pub fn width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    columns.or_else(tty_width).or(Some(100)).filter(|width| *width >= 20)
}

fn tty_width() -> Option<usize> {
    let output =
        Command::new("stty").arg("size").stdin(Stdio::inherit()).stderr(Stdio::null()).output().ok()?;
    String::from_utf8(output.stdout).ok()?.split_whitespace().nth(1)?.parse().ok().filter(|width| *width > 0)
}

/// The time of day here.
pub fn clock(at: Timestamp) -> String {
    let here =
        jiff::Timestamp::from_millisecond(at.as_millis()).map(|at| at.to_zoned(jiff::tz::TimeZone::system()));
    here.map_or_else(|_| at.to_string(), |here| here.strftime("%H:%M").to_string())
}

/// Says how long ago something was.
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = (now.as_millis() - at.as_millis()).max(0) / 1000;
    match seconds {
        0..60 => "now".to_owned(),
        60..3600 => format!("{}m ago", seconds / 60),
        3600..86_400 => format!("{}h ago", seconds / 3600),
        86_400..2_592_000 => format!("{}d ago", seconds / 86_400),
        _ => at.to_string().get(..10).unwrap_or_default().to_owned(),
    }
}

/// Writes a large number shortly.
pub fn short(number: u64) -> String {
    match number {
        0..10_000 => number.to_string(),
        10_000..1_000_000 => format!("{}k", number / 1000),
        1_000_000..1_000_000_000 => format!("{:.1}M", number as f64 / 1e6),
        _ => format!("{:.1}G", number as f64 / 1e9),
    }
}

/// Writes micro-dollars as dollars.
pub fn dollars(micro: u64) -> String {
    if micro == 0 { "-".to_owned() } else { format!("${:.2}", micro as f64 / 1e6) }
}

/// Links a text to a file, where the terminal can follow links.
pub fn link(text: &str, path: &str) -> String {
    if !io::stdout().is_terminal() || path.chars().any(|c| c.is_control()) {
        return text.to_owned();
    }
    let mut escaped = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            escaped.push(byte as char);
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("\x1b]8;;file://{escaped}\x1b\\{text}\x1b]8;;\x1b\\")
}

/// Where long output goes: a pager on a terminal, else standard output.
pub enum Output {
    Pager(Child),
    Plain,
}

impl Output {
    /// Starts a pager if standard output is a terminal.
    pub fn paged() -> Self {
        if !io::stdout().is_terminal() {
            return Output::Plain;
        }
        let named = ["MARLINE_PAGER", "PAGER"].iter().find_map(|name| std::env::var(name).ok());
        let command = named.unwrap_or_else(|| "less -FRX".to_owned());
        let mut words = command.split_whitespace();
        let Some(program) = words.next().filter(|program| *program != "cat") else { return Output::Plain };
        match Command::new(program).args(words).stdin(Stdio::piped()).spawn() {
            Ok(child) => Output::Pager(child),
            Err(_) => Output::Plain,
        }
    }

    /// Writes a text; styles are dropped where they are not wanted.
    pub fn write(&mut self, text: &str) -> io::Result<()> {
        match self {
            Output::Pager(child) => {
                let colors = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
                match &mut child.stdin {
                    Some(input) if colors => input.write_all(text.as_bytes()),
                    Some(input) => write!(input, "{}", anstream::adapter::strip_str(text)),
                    None => Ok(()),
                }
            }
            Output::Plain => anstream::AutoStream::auto(io::stdout().lock()).write_all(text.as_bytes()),
        }
    }

    /// Waits until the reader is done.
    pub fn finish(self) {
        if let Output::Pager(mut child) = self {
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_and_turned_writing_are_shown_not_sent() {
        assert_eq!(harmless("a\x1b[31mb\x07\rc\td\n"), "a␛[31mb␇c\td\n");
        assert_eq!(harmless("x\u{202e}y\u{9b}"), "x<U+202E>y<U+009B>");
        assert_eq!(harmless("plain"), "plain");
    }

    #[test]
    fn texts_are_cut_by_columns() {
        assert_eq!(fit("one\ntwo   three", 8), "one two…");
        assert_eq!(fit("漢字漢字", 5), "漢字…");
    }
}
