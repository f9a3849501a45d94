//! What of a text is shown of a hit, and where the words that were looked for stand in it.

use marline_text::is_spelt_like;

use crate::query::Query;
use crate::search::Looseness;

/// So much of a text is looked through for words that are spelt alike.
const LOOKED_THROUGH: usize = 256 << 10;
/// So many bytes are shown before the first place and from it on.
const SNIPPET_BEFORE: usize = 60;
const SNIPPET_AFTER: usize = 140;

/// Cuts the place where a query's words stand out of a text.
pub(crate) fn snippet(text: &str, query: &Query, looseness: Looseness) -> (String, Vec<(usize, usize)>) {
    // ASCII folding keeps byte positions.
    let lower = text.to_ascii_lowercase();
    let mut places = Vec::new();
    if looseness == Looseness::Close {
        return cut(text, &alike(&lower, query));
    }
    for term in query.terms() {
        let whole = term.text.to_ascii_lowercase();
        let mut words: Vec<&str> = vec![&whole];
        words.extend(term.words.iter().map(String::as_str));
        let found = words.iter().find_map(|word| {
            let all: Vec<(usize, usize)> = memchr::memmem::find_iter(lower.as_bytes(), word.as_bytes())
                .take(20)
                .map(|at| (at, at + word.len()))
                .collect();
            (!all.is_empty()).then_some(all)
        });
        places.extend(found.unwrap_or_default());
    }
    places.sort_unstable();
    cut(text, &places)
}

/// Where words stand that are spelt like those of a query: the first of them.
fn alike(text: &str, query: &Query) -> Vec<(usize, usize)> {
    const MOST: usize = 20;
    let wanted: Vec<&String> = query.terms().flat_map(|term| &term.words).collect();
    let is_meant = |word: &str| wanted.iter().any(|wanted| is_spelt_like(word, wanted));
    let text = &text[..text.floor_char_boundary(LOOKED_THROUGH)];
    let (mut found, mut begun) = (Vec::new(), None);
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match begun {
            None if c.is_alphanumeric() => begun = Some(at),
            Some(from) if !c.is_alphanumeric() => {
                if is_meant(&text[from..at]) {
                    found.push((from, at));
                }
                begun = None;
            }
            _ => {}
        }
        if found.len() == MOST {
            break;
        }
    }
    found
}

/// Cuts a text around the first of some places and puts it on one line.
pub(crate) fn cut(text: &str, places: &[(usize, usize)]) -> (String, Vec<(usize, usize)>) {
    let first = places.first().map_or(0, |place| place.0);
    let start = text.floor_char_boundary(first.saturating_sub(SNIPPET_BEFORE));
    let end = text.ceil_char_boundary((first + SNIPPET_AFTER).min(text.len()));
    let mut out = String::new();
    if start > 0 {
        out.push('…');
    }
    let mut highlights: Vec<(usize, usize)> = Vec::new();
    let mut last_end = 0;
    let mut open = None;
    for (at, c) in text[start..end].char_indices().map(|(at, c)| (at + start, c)) {
        if open.is_none()
            && at >= last_end
            && let Some(place) = places.iter().find(|place| place.0 == at)
        {
            open = Some((out.len(), place.1));
        }
        if let Some((from, to)) = open.filter(|(_, to)| at >= *to) {
            highlights.push((from, out.len()));
            (open, last_end) = (None, to);
        }
        let is_blank = c.is_whitespace() || c.is_control();
        if is_blank && (out.ends_with(' ') || out.is_empty()) {
            continue;
        }
        out.push(if is_blank { ' ' } else { c });
    }
    if let Some((from, _)) = open {
        highlights.push((from, out.len()));
    }
    if end < text.len() {
        out.push('…');
    }
    (out, highlights)
}
