//! Where the words of a command lead: to which file, with links followed as the system follows them.

use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

/// Where a path leads. What does not exist yet lies where its deepest directory that does lies.
///
/// Nothing where that can't be told: a link to nowhere, a directory that can't be read, a `..` behind what does not exist.
pub(crate) fn real(path: &Path) -> Option<PathBuf> {
    for known in path.ancestors() {
        match known.canonicalize() {
            Ok(found) => {
                let rest = path.strip_prefix(known).ok()?;
                let goes_up = rest.components().any(|part| part == Component::ParentDir);
                let whole = || if rest.as_os_str().is_empty() { found.clone() } else { found.join(rest) };
                return (!goes_up).then(whole);
            }
            Err(error) if is_nowhere(error.kind()) => {
                // A link to nowhere: what is written through it comes to be there.
                if known.symlink_metadata().is_ok() {
                    return None;
                }
            }
            Err(_) => return None,
        }
    }
    None
}

fn is_nowhere(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::NotFound | ErrorKind::NotADirectory | ErrorKind::InvalidFilename)
}

/// Everything in a word that a program may take for a path: the word, the values of its options, their parts.
pub(crate) fn paths(word: &str) -> Vec<&str> {
    let mut found = vec![word];
    if let Some(option) = word.strip_prefix('-').filter(|option| !option.starts_with('-')) {
        // `-C../x`: the value stands behind a letter.
        let mut letters = option.chars();
        letters.next();
        found.push(letters.as_str());
    }
    found.extend(word.match_indices(['=', ':', ',', '@']).map(|(at, _)| &word[at + 1..]));
    found.extend(word.split(['=', ':', ',', '@']));
    found.retain(|path| !path.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_where_its_links_lead() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("in/sub")).unwrap();
        std::fs::create_dir(root.join("out")).unwrap();
        std::os::unix::fs::symlink(root.join("out"), root.join("in/lnk")).unwrap();
        std::os::unix::fs::symlink(root.join("gone"), root.join("in/nowhere")).unwrap();
        for (path, leads) in [
            ("in/a", Some("in/a")),
            ("in/new/b", Some("in/new/b")),
            ("in/lnk", Some("out")),
            ("in/lnk/new/c", Some("out/new/c")),
            ("in/lnk/../x", Some("x")),
            ("in/sub/../x", Some("in/x")),
            ("in/new/../x", None),
            ("in/nowhere", None),
            ("in/nowhere/x", None),
        ] {
            assert_eq!(real(&root.join(path)), leads.map(|leads| root.join(leads)), "{path}");
        }
    }

    #[test]
    fn values_of_options_are_paths_too() {
        assert!(paths("--out=../x").contains(&"../x"));
        assert!(paths("-C../x").contains(&"../x"));
        assert!(paths("/:/mnt").contains(&"/"));
        assert!(paths("@lnk").contains(&"lnk"));
        assert!(paths("of=lnk").contains(&"lnk"));
    }
}
