//! Extraction to disk, on Unix. All operations are relative to open folders.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    os::fd::OwnedFd,
    path::Path,
};

use rustix::{
    fs::{AtFlags, CWD, Mode as Permissions, OFlags, mkdirat, openat, symlinkat, unlinkat},
    io::Errno,
};

use crate::{
    Archive, Entry, Error, ErrorKind, ReadAt,
    content::BUFFER,
    member::{self, Scratch},
};

/// The result of [`Archive::extract`].
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Extracted {
    /// The number of files and links.
    pub files: u64,
    /// The number of bytes of content.
    pub bytes: u64,
}

impl<R: ReadAt> Archive<R> {
    /// Extracts all members below an existing folder. Only on Unix.
    ///
    /// Extraction writes nothing outside the folder, whatever the archive holds and whatever is
    /// planted in the folder, before or meanwhile. Each folder on the way is opened without
    /// following links, and each file is created anew. (A process that moves subfolders out of the
    /// folder while they are being filled moves the extracted files along with them.) Existing
    /// files are never replaced: they are an error. Files get mode 0644 or 0755 less the umask, and
    /// no other attributes.
    ///
    /// Symbolic links ([`Leniency::Symlink`](crate::Leniency::Symlink)) are created last, and their
    /// targets must lie below the folder. The targets of links that existed before are not checked.
    ///
    /// ```
    /// use pinnace_archive::{Archive, ArchivePath, Mode, Policy, Writer};
    ///
    /// let mut writer = Writer::new(Vec::new());
    /// writer.bytes(&ArchivePath::parse("a/b.txt")?, Mode::File, b"hello")?;
    /// let (bytes, _) = writer.finish()?;
    ///
    /// let folder = tempfile::tempdir()?;
    /// Archive::open(bytes, Policy::strict())?.extract(folder.path())?;
    /// assert_eq!(std::fs::read(folder.path().join("a/b.txt"))?, b"hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Extract`] with the member and the cause. Otherwise fails like
    /// [`Archive::copy_to`]. Members extracted before the error stay; the failed file is removed.
    pub fn extract(&self, folder: &Path) -> Result<Extracted, Error> {
        let at = |entry: &Entry, source: io::Error| -> Error {
            let (entry, folder) = (entry.name().to_owned(), folder.to_owned());
            ErrorKind::Extract { entry, folder, source }.into()
        };
        let root = openat(CWD, folder, OFlags::DIRECTORY | OFlags::CLOEXEC, Permissions::empty());
        let root = root.map_err(|error| -> Error {
            let (entry, folder) = (String::new(), folder.to_owned());
            ErrorKind::Extract { entry, folder, source: error.into() }.into()
        })?;
        let mut place = Place { root, open: Vec::new() };
        let mut done = Extracted::default();
        let mut scratch = Scratch::default();
        for entry in self.sorted().filter(|entry| !entry.is_symlink()) {
            if entry.is_directory() {
                member::copy(self, entry, &mut scratch, &mut io::sink())?;
                place
                    .enter(entry.name().trim_end_matches('/'))
                    .map_err(|error| at(entry, error))?;
                continue;
            }
            let (folder, name) = split(entry.name());
            let parent = place.enter(folder).map_err(|error| at(entry, error))?;
            self.extract_file(entry, parent, name, &mut scratch, &at)?;
            done.files += 1;
            done.bytes += entry.size();
        }
        for entry in self.sorted().filter(|entry| entry.is_symlink()) {
            let target = self.read(entry)?;
            place.link(entry.name(), &target).map_err(|error| at(entry, error))?;
            done.files += 1;
        }
        Ok(done)
    }

    fn extract_file(
        &self,
        entry: &Entry,
        parent: &OwnedFd,
        name: &str,
        scratch: &mut Scratch,
        at: &impl Fn(&Entry, io::Error) -> Error,
    ) -> Result<(), Error> {
        let mode = if entry.is_executable() { 0o755 } else { 0o644 };
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(parent, name, flags, Permissions::from_raw_mode(mode))
            .map_err(|error| at(entry, taken(error)))?;
        let mut out = BufWriter::with_capacity(BUFFER, File::from(file));
        let copied = member::copy(self, entry, scratch, &mut out)
            .and_then(|_| out.flush().map_err(|error| at(entry, error)));
        if copied.is_err() {
            // The caller needs the cause of the failure, not the result of this clean-up.
            let _ = unlinkat(parent, name, AtFlags::empty());
        }
        copied
    }
}

/// The folder to extract to, and the chain of open folders below it.
struct Place {
    root: OwnedFd,
    open: Vec<(String, OwnedFd)>,
}

impl Place {
    /// Opens a folder below the root, creating missing folders on the way.
    fn enter(&mut self, path: &str) -> io::Result<&OwnedFd> {
        let parts = || path.split('/').filter(|part| !part.is_empty());
        let common =
            self.open.iter().zip(parts()).take_while(|((open, _), part)| open == part).count();
        self.open.truncate(common);
        for part in parts().skip(common) {
            let next = descend(self.last(), part)?;
            self.open.push((part.to_owned(), next));
        }
        Ok(self.last())
    }

    fn last(&self) -> &OwnedFd {
        self.open.last().map_or(&self.root, |(_, folder)| folder)
    }

    fn link(&mut self, name: &str, target: &[u8]) -> io::Result<()> {
        let refused = |reason: &str| io::Error::other(format!("a link that {reason}"));
        let target = std::str::from_utf8(target).map_err(|_| refused("is not UTF-8"))?;
        let (folder, name) = split(name);
        let depth = folder.split('/').filter(|part| !part.is_empty()).count();
        stays_below(target, depth).map_err(refused)?;
        symlinkat(target, self.enter(folder)?, name).map_err(taken)
    }
}

/// Checks that a link at `depth` folders below the root has a target below the root, whatever links
/// are on its way. So `..` may stand only at the start, where the folders are real ones.
fn stays_below(target: &str, depth: usize) -> Result<(), &'static str> {
    if target.is_empty() || target.starts_with('/') || target.contains(['\\', '\0']) {
        return Err("is not a relative path");
    }
    let up = target.split('/').take_while(|part| *part == "..").count();
    if up > depth || target.split('/').skip(up).any(|part| part == "..") {
        return Err("leads out of the folder");
    }
    Ok(())
}

/// Explains that a name is taken already: extraction never replaces anything.
fn taken(error: Errno) -> io::Error {
    match error {
        Errno::EXIST => io::Error::new(
            io::ErrorKind::AlreadyExists,
            "the name is taken; extract into an empty folder",
        ),
        other => other.into(),
    }
}

fn descend(folder: &OwnedFd, part: &str) -> io::Result<OwnedFd> {
    match mkdirat(folder, part, Permissions::from_raw_mode(0o755)) {
        Ok(()) | Err(Errno::EXIST) => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(openat(folder, part, flags, Permissions::empty())?)
}

/// Splits a name into its folder and its last part.
fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('/').unwrap_or(("", name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_may_not_lead_out() {
        for (target, depth) in
            [("a", 0), ("../a", 1), ("../../a/b", 2), (".", 0), ("..", 1), ("a/./b", 0)]
        {
            assert_eq!(stays_below(target, depth), Ok(()), "{target}");
        }
        for (target, depth) in
            [("..", 0), ("/etc", 3), ("../../a", 1), ("a/../..", 5), ("a/..", 1), ("", 0)]
        {
            assert!(stays_below(target, depth).is_err(), "{target}");
        }
    }
}
