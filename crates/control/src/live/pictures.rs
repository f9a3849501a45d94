//! Pictures for agents in terminals: kept as files, and named in what is said, as each agent takes files.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use marline_agents::image::media_type;
use marline_model::Source;
use ring::digest::{SHA256, digest};

/// With one message go so many pictures at most.
pub const MOST_PICTURES: usize = 4;
/// A picture has so many bytes at most.
pub const LARGEST_PICTURE: usize = 10 << 20;

/// Keeps a picture below a directory, for its owner alone; the same picture is kept once.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] when it is no picture that agents take, or too large; nothing was written.
pub fn keep_picture(dir: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let wrong = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, why.to_owned());
    if bytes.len() > LARGEST_PICTURE {
        return Err(wrong("a picture has 10 MB at most"));
    }
    let kind = media_type(bytes).and_then(|kind| kind.strip_prefix("image/"));
    let kind = kind.ok_or_else(|| wrong("a picture is a PNG, JPEG, GIF or WebP file"))?;
    let folder = dir.join("pictures");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    let name: String =
        digest(&SHA256, bytes).as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let path = folder.join(format!("{name}.{kind}"));
    if path.exists() {
        return Ok(path);
    }
    // Written aside and moved: a name stands for the whole picture or for none.
    let part = folder.join(format!("{name}.{}.part", std::process::id()));
    let _ = fs::remove_file(&part);
    let mut file = fs::File::options().create_new(true).write(true).mode(0o600).open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&part, &path)?;
    Ok(path)
}

/// What is said of a message with pictures, in parts that are pasted one after the other; the last one holds the words.
///
/// Claude Code and Gemini CLI read a file that is named with an at sign (2.1.329, 0.61.0); Codex makes a picture of a path that is
/// pasted alone (0.169.0).
pub fn with_pictures(source: Source, text: &str, pictures: &[PathBuf]) -> Vec<String> {
    let words = (!text.trim().is_empty()).then(|| text.to_owned());
    if source == Source::Codex {
        return pictures.iter().map(|path| path.display().to_string()).chain(words).collect();
    }
    let named = pictures.iter().map(|path| format!("@{}", path.display()));
    vec![named.chain(words).collect::<Vec<_>>().join(" ")]
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const PNG: &[u8] = &[0x89, b'P', b'N', b'G', 13, 10, 26, 10];

    #[test]
    fn a_picture_is_kept_once_for_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        let path = keep_picture(dir, PNG).unwrap();
        assert_eq!(keep_picture(dir, PNG).unwrap(), path);
        assert_eq!(path.extension().unwrap(), "png");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert!(keep_picture(dir, b"<svg/>").is_err());
        assert!(keep_picture(dir, &[PNG, &vec![0; LARGEST_PICTURE]].concat()).is_err());
    }

    #[test]
    fn each_agent_is_told_in_its_own_way() {
        let pictures = ["/m/a.png".into(), "/m/b.png".into()];
        let say = |source, text, count: usize| with_pictures(source, text, &pictures[..count]);
        assert_eq!(say(Source::Claude, "What is it?", 2), ["@/m/a.png @/m/b.png What is it?"]);
        assert_eq!(say(Source::Codex, "What is it?", 1), ["/m/a.png", "What is it?"]);
        assert_eq!(say(Source::Gemini, " ", 1), ["@/m/a.png"]);
        assert_eq!(say(Source::Gemini, "x", 0), ["x"]);
    }
}
