use std::{
    collections::BTreeSet,
    io::{self, Read, Seek, Write},
};

use sha2::{Digest, Sha256};

use crate::{
    Archive, ArchivePath, Content, ContentDigest, Entry, Error, ErrorKind, Mode, ReadAt, Rule,
    content::for_each_chunk,
    member::{self, Scratch},
    record::{End, Member, STORED},
};

/// Writes an archive, entry by entry in ascending order, to any [`Write`].
///
/// Nothing is sought or patched: the output may be a pipe. An archive is whole only after
/// [`Writer::finish`]. To add entries in any order, see [`ArchiveBuilder`](crate::ArchiveBuilder).
#[derive(Debug)]
pub struct Writer<W> {
    out: Hashing<W>,
    central: Vec<u8>,
    entries: u64,
    /// The last name, below it each earlier name that it starts with, shortest first.
    open: Vec<Box<str>>,
    content: ContentDigest,
    encoders: BTreeSet<String>,
    /// Whether an entry failed half-way.
    broken: bool,
    record: Vec<u8>,
    scratch: Scratch,
}

/// What was written.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// The SHA-256 of the bytes.
    pub sha256: [u8; 32],
    /// The [`ContentDigest`] of prefix and entries.
    pub content_digest: [u8; 32],
    /// How many bytes were written.
    pub bytes: u64,
    /// How many entries there are, directories included.
    pub entries: u64,
    /// The [ids](crate::Encoder::id) of the encoders that were asked, sorted. Without any, the bytes are the same wherever they are written.
    pub encoders: Vec<String>,
}

impl<W: Write> Writer<W> {
    /// An archive that starts with its first entry.
    pub fn new(out: W) -> Self {
        Self {
            out: Hashing { out, hash: Sha256::new(), written: 0 },
            central: Vec::new(),
            entries: 0,
            open: Vec::new(),
            content: ContentDigest::new(b""),
            encoders: BTreeSet::new(),
            broken: false,
            record: Vec::new(),
            scratch: Scratch::default(),
        }
    }

    /// An archive behind a script line (and more, such as a whole shell script): `#!…\n`.
    /// Offsets count from the start of the file, as they do for every reader of zips.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Prefix`] if the prefix is no script, [`ErrorKind::Io`] if `out` fails.
    pub fn with_prefix(out: W, prefix: &[u8]) -> Result<Self, Error> {
        if !prefix.starts_with(b"#!") || !prefix.ends_with(b"\n") {
            return Err(ErrorKind::Prefix.into());
        }
        let mut writer = Self::new(out);
        writer.content = ContentDigest::new(prefix);
        writer.out.write_all(prefix).map_err(writing)?;
        Ok(writer)
    }

    /// Adds a directory. Parents of later entries need none of this: they are written by
    /// themselves.
    ///
    /// # Errors
    ///
    /// As [`Writer::file`].
    pub fn directory(&mut self, path: &ArchivePath) -> Result<(), Error> {
        let name = format!("{path}/");
        self.admit(&name)?;
        self.parents(path)?;
        self.directory_entry(&name)
    }

    /// Adds a file from measured content.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::OutOfOrder`], [`ErrorKind::Duplicate`], [`ErrorKind::FileAndDirectory`] before
    /// anything is written; [`ErrorKind::SourceChanged`] if the source gives other bytes than when
    /// it was measured; [`ErrorKind::Io`].
    pub fn file<R: Read + Seek>(
        &mut self,
        path: &ArchivePath,
        mode: Mode,
        mut content: Content<R>,
    ) -> Result<(), Error> {
        self.begin(path, mode, &content.sha256)?;
        self.member(&Member {
            name: path.as_str(),
            unix_mode: unix_mode(mode),
            method: content.method.number(),
            crc32: content.crc32,
            compressed: content.kept,
            size: content.size,
            offset: self.out.written,
        })?;
        self.broken = true;
        self.encoders.extend(content.encoder);
        let mut crc = crc32fast::Hasher::new();
        let out = &mut self.out;
        // One byte more tells that a source has grown.
        let most = content.kept.saturating_add(u64::from(!content.spooled));
        let mut source = (&mut content.source).take(most);
        let size = for_each_chunk(&mut source, |bytes| {
            crc.update(bytes);
            out.write_all(bytes)
        })
        .map_err(|error| Error::io("copy a member", error))?;
        if size != content.kept || crc.finalize() != content.kept_crc32 {
            return Err(ErrorKind::SourceChanged { path: path.to_string() }.into());
        }
        self.broken = false;
        Ok(())
    }

    /// Adds a file from memory.
    ///
    /// # Errors
    ///
    /// As [`Writer::file`].
    pub fn bytes(&mut self, path: &ArchivePath, mode: Mode, bytes: &[u8]) -> Result<(), Error> {
        self.file(path, mode, Content::bytes(bytes))
    }

    /// Adds a member of another archive under a new name, with its compressed bytes as they are.
    ///
    /// The member is decoded once to check it and to learn its SHA-256, so that damage is never
    /// passed on; its compressed stream is then copied untouched.
    ///
    /// # Errors
    ///
    /// As [`Writer::file`], and those of [`Archive::copy_to`]. A symbolic link is refused.
    pub fn copy<R: ReadAt>(
        &mut self,
        path: &ArchivePath,
        mode: Mode,
        archive: &Archive<R>,
        entry: &Entry,
    ) -> Result<(), Error> {
        let sha256 = sha256_of(archive, entry, &mut self.scratch)?;
        self.copy_verified(path, mode, archive, entry, sha256)
    }

    /// The same for a member whose content the caller has verified already, and whose SHA-256 is
    /// known (from a wheel's RECORD, say): nothing is decoded.
    ///
    /// # Errors
    ///
    /// As [`Writer::copy`]; damage to the compressed bytes is not noticed.
    pub fn copy_verified<R: ReadAt>(
        &mut self,
        path: &ArchivePath,
        mode: Mode,
        archive: &Archive<R>,
        entry: &Entry,
        sha256: [u8; 32],
    ) -> Result<(), Error> {
        if entry.is_symlink() || entry.is_directory() {
            return Err(Error::refused(Rule::FileType, entry.name()));
        }
        self.begin(path, mode, &sha256)?;
        self.member(&Member {
            name: path.as_str(),
            unix_mode: unix_mode(mode),
            method: entry.method.number(),
            crc32: entry.crc32,
            compressed: entry.compressed,
            size: entry.size,
            offset: self.out.written,
        })?;
        self.broken = true;
        member::copy_raw(archive, entry, &mut self.scratch, &mut self.out)?;
        self.broken = false;
        Ok(())
    }

    /// Writes the central directory and gives the output back.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if the output fails.
    pub fn finish(mut self) -> Result<(W, Summary), Error> {
        self.sound()?;
        let entries = self.entries;
        let end = End { entries, size: self.central.len() as u64, offset: self.out.written };
        end.encode(&mut self.central);
        self.out.write_all(&self.central).map_err(writing)?;
        self.out.flush().map_err(writing)?;
        let Hashing { out, hash, written } = self.out;
        let summary = Summary {
            sha256: hash.finalize().into(),
            content_digest: self.content.finish(),
            bytes: written,
            entries,
            encoders: self.encoders.into_iter().collect(),
        };
        Ok((out, summary))
    }

    /// All that comes before a file's header; nothing is written if the name cannot be admitted.
    fn begin(&mut self, path: &ArchivePath, mode: Mode, sha256: &[u8; 32]) -> Result<(), Error> {
        self.admit(path.as_str())?;
        self.parents(path)?;
        self.enter(path.as_str());
        self.content.file(path, mode, sha256);
        Ok(())
    }

    fn admit(&self, name: &str) -> Result<(), Error> {
        self.sound()?;
        if let Some(last) = self.open.last() {
            if **last == *name {
                return Err(ErrorKind::Duplicate { path: name.to_owned() }.into());
            }
            if **last > *name {
                let (path, previous) = (name.to_owned(), last.to_string());
                return Err(ErrorKind::OutOfOrder { path, previous }.into());
            }
        }
        // A file that is one of the parents sorts before all that starts with its name.
        let parents = name.match_indices('/').map(|(end, _)| &name[..end]);
        match parents.into_iter().find(|parent| self.is_open(parent)) {
            Some(file) => Err(ErrorKind::FileAndDirectory { path: file.to_owned() }.into()),
            None => Ok(()),
        }
    }

    fn sound(&self) -> Result<(), Error> {
        if self.broken { Err(ErrorKind::Unfinished.into()) } else { Ok(()) }
    }

    fn is_open(&self, name: &str) -> bool {
        self.open.iter().any(|open| **open == *name)
    }

    /// Only names that start with an earlier one can clash with it, and those follow it at once.
    fn enter(&mut self, name: &str) {
        while self.open.last().is_some_and(|open| !name.starts_with(&**open)) {
            self.open.pop();
        }
        self.open.push(name.into());
    }

    /// Writes the parent directories that have no entry yet. They sort between the last entry and
    /// `path`: every name from `a/` up to `a/b` starts with `a/`.
    fn parents(&mut self, path: &ArchivePath) -> Result<(), Error> {
        for (end, _) in path.as_str().match_indices('/') {
            let name = &path.as_str()[..=end];
            if !self.is_open(name) {
                self.directory_entry(name)?;
            }
        }
        Ok(())
    }

    fn directory_entry(&mut self, name: &str) -> Result<(), Error> {
        self.enter(name);
        self.content.directory_name(name);
        self.member(&Member {
            name,
            unix_mode: 0o040_755,
            method: STORED,
            crc32: 0,
            compressed: 0,
            size: 0,
            offset: self.out.written,
        })
    }

    fn member(&mut self, member: &Member<'_>) -> Result<(), Error> {
        self.record.clear();
        member.encode_local(&mut self.record);
        self.out.write_all(&self.record).map_err(writing)?;
        member.encode_central(&mut self.central);
        self.entries += 1;
        Ok(())
    }
}

/// The SHA-256 of a member's content, which is checked.
pub(crate) fn sha256_of<R: ReadAt>(
    archive: &Archive<R>,
    entry: &Entry,
    scratch: &mut Scratch,
) -> Result<[u8; 32], Error> {
    let mut hash = Hashing { out: io::sink(), hash: Sha256::new(), written: 0 };
    member::copy(archive, entry, scratch, &mut hash)?;
    Ok(hash.hash.finalize().into())
}

fn unix_mode(mode: Mode) -> u32 {
    match mode {
        Mode::File => 0o100_644,
        Mode::Executable => 0o100_755,
    }
}

fn writing(error: io::Error) -> Error {
    Error::io("write the archive", error)
}

/// An output, hashed and counted on its way.
#[derive(Debug)]
struct Hashing<W> {
    out: W,
    hash: Sha256,
    written: u64,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.hash.update(&bytes[..n]);
        self.written += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
