//! Unpacking of source distributions (PEP 625, PEP 721).

use std::{
    fs,
    io::{self, Read},
    os::unix::fs::PermissionsExt,
    path::{Component, Path, PathBuf},
};

use flate2::read::GzDecoder;
use pinnace_pex::{ReadSeek, extract_zip};
use tar::{Archive, Entry, EntryType};

use crate::{Error, ErrorKind};

/// The maximum unpacked size. The largest source distributions on PyPI have some hundred megabytes.
const MAX_BYTES: u64 = 8 << 30;
/// The maximum number of entries.
const MAX_ENTRIES: usize = 500_000;

/// Unpacks a source distribution into an empty folder, and returns the source's root folder.
pub(super) fn unpack(
    name: &str,
    sdist: Box<dyn ReadSeek>,
    folder: &Path,
) -> Result<PathBuf, Error> {
    let refuse = |error: &dyn std::fmt::Display| -> Error {
        let reason = format!("it cannot be unpacked: {error}");
        ErrorKind::Build { what: name.to_owned(), reason, log: String::new() }.into()
    };
    if name.ends_with(".zip") {
        extract_zip(sdist, folder).map_err(|error| refuse(&error))?;
    } else {
        extract_tar(sdist, folder).map_err(|error| refuse(&error))?;
    }
    let entries = fs::read_dir(folder).map_err(Error::at("read", folder))?;
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    match (entries.pop(), entries.is_empty()) {
        (Some(only), true) if only.is_dir() => Ok(only),
        (None, _) => Err(refuse(&"it is empty")),
        _ => Ok(folder.to_owned()),
    }
}

fn extract_tar(sdist: impl Read, folder: &Path) -> io::Result<()> {
    // One byte more than allowed, so that an excess is detected.
    extract(GzDecoder::new(sdist).take(MAX_BYTES + 1), folder)
}

fn extract(tar: impl Read, folder: &Path) -> io::Result<()> {
    let mut archive = Archive::new(tar);
    archive.set_preserve_mtime(false);
    archive.set_preserve_permissions(false);
    archive.set_overwrite(false);
    let mut left = MAX_BYTES;
    for (number, entry) in archive.entries()?.enumerate() {
        let mut entry = entry?;
        let size = entry.size();
        left = left.checked_sub(size).ok_or_else(|| io::Error::other("it is too large"))?;
        if number == MAX_ENTRIES {
            return Err(io::Error::other("it has too many members"));
        }
        if !is_wanted(&entry)? {
            continue;
        }
        let path = entry.path()?.into_owned();
        if !entry.unpack_in(folder).map_err(|error| innermost_cause(&path, &error))? {
            return Err(io::Error::other(format!("`{}` leads out of it", path.display())));
        }
        if entry.header().entry_type().is_file() {
            let mode = entry.header().mode()?;
            set_mode(&folder.join(&path), mode)?;
        }
    }
    Ok(())
}

/// Entry points for fuzzing private parsers.
#[doc(hidden)]
pub mod fuzzing {
    use std::{io, path::Path};

    /// Unpacks an uncompressed tar.
    pub fn unpack_tar(bytes: &[u8], folder: &Path) -> io::Result<()> {
        super::extract(bytes, folder)
    }

    /// Returns the libraries that native code needs.
    pub fn needs(bytes: &[u8]) -> Option<Vec<String>> {
        crate::pep517::elf::needs(bytes).ok()?.map(|needs| needs.libraries)
    }
}

/// Returns the innermost cause, since the outer errors name temporary folders.
fn innermost_cause(path: &Path, error: &io::Error) -> io::Error {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    io::Error::other(format!("`{}`: {cause}", path.display()))
}

/// Sets the mode to 644 or 755, as the filter `data` of PEP 721 does.
fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    let mode = if mode & 0o100 == 0 { 0o644 } else { 0o755 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// Returns true for files, and for links that stay within the source. Other entries are skipped; folders are
/// created for their files, with the default mode. Fails for links that leave the source.
fn is_wanted(entry: &Entry<'_, impl Read>) -> io::Result<bool> {
    match entry.header().entry_type() {
        EntryType::Regular | EntryType::Continuous => Ok(true),
        EntryType::Symlink | EntryType::Link => {
            let path = entry.path()?;
            let target = entry.link_name()?.unwrap_or_default();
            let from = match entry.header().entry_type() {
                EntryType::Symlink => path.parent().unwrap_or(Path::new("")),
                _ => Path::new(""),
            };
            if stays_below(from, &target) {
                return Ok(true);
            }
            let (path, target) = (path.display(), target.display());
            Err(io::Error::other(format!("`{path}` links to `{target}`, out of it")))
        }
        _ => Ok(false),
    }
}

/// Returns true if a path relative to a folder stays below the root.
fn stays_below(from: &Path, path: &Path) -> bool {
    let mut depth = from.components().count();
    for component in path.components() {
        match component {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir if depth > 0 => depth -= 1,
            _ => return false,
        }
    }
    depth > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Creates a `.tar.gz` from entries: path, type, and link target or content.
    fn sdist(members: &[(&str, EntryType, &str)]) -> Vec<u8> {
        let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut builder = tar::Builder::new(encoder);
        for (path, kind, text) in members {
            let mut header = tar::Header::new_old();
            header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(0);
            let is_link = kind.is_symlink() || kind.is_hard_link();
            if is_link {
                header.as_old_mut().linkname[..text.len()].copy_from_slice(text.as_bytes());
            }
            let content = if is_link { "" } else { text };
            header.set_size(content.len() as u64);
            header.set_cksum();
            builder.append(&header, content.as_bytes()).unwrap();
        }
        builder.into_inner().unwrap().finish().unwrap()
    }

    fn unpacked(
        members: &[(&str, EntryType, &str)],
    ) -> (tempfile::TempDir, Result<PathBuf, Error>) {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("new");
        fs::create_dir(&place).unwrap();
        let bytes = io::Cursor::new(sdist(members));
        let found = unpack("a-1.tar.gz", Box::new(bytes), &place);
        (folder, found)
    }

    #[test]
    fn the_only_folder_is_the_source() {
        let members = [
            ("a-1/setup.py", EntryType::Regular, "x"),
            ("a-1/docs/read.me", EntryType::Symlink, "../setup.py"),
            ("a-1/pipe", EntryType::Fifo, ""),
            ("a-1/docs", EntryType::Directory, ""),
        ];
        let (folder, found) = unpacked(&members);
        let source = found.unwrap();
        assert_eq!(source, folder.path().join("new/a-1"));
        assert_eq!(fs::read_to_string(source.join("docs/read.me")).unwrap(), "x");
        assert!(!source.join("pipe").exists());
        let mode = fs::metadata(source.join("setup.py")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o644);
    }

    #[test]
    fn entries_that_leave_the_source_are_refused() {
        for (path, kind, text) in [
            ("../evil", EntryType::Regular, "x"),
            ("a-1/../../evil", EntryType::Regular, "x"),
            ("a-1/link", EntryType::Symlink, "/etc"),
            ("a-1/link", EntryType::Symlink, "../../evil"),
            ("a-1/link", EntryType::Link, "../evil"),
        ] {
            let (folder, found) =
                unpacked(&[("a-1/x", EntryType::Regular, ""), (path, kind, text)]);
            let error = found.unwrap_err().to_string();
            assert!(error.contains("out of it"), "{path} {text}: {error}");
            assert!(!folder.path().join("evil").exists());
        }
    }

    #[test]
    fn malformed_archives_are_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a-1.tar.gz", "a-1.zip"] {
            let bytes = io::Cursor::new(b"nonsense".to_vec());
            let error = unpack(name, Box::new(bytes), folder.path()).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
    }
}
