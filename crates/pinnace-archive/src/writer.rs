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

/// A writer of archives. It takes entries in ascending order and writes to any [`Write`].
///
/// The writer never seeks or patches, so the output may be a pipe. An archive is complete only
/// after [`Writer::finish`]. To add entries in any order, see
/// [`ArchiveBuilder`](crate::ArchiveBuilder).
#[derive(Debug)]
pub struct Writer<W> {
    out: Hashing<W>,
    central: Vec<u8>,
    entries: u64,
    /// The last name, and below it each earlier name that it starts with, shortest first.
    open: Vec<Box<str>>,
    content: ContentDigest,
    encoders: BTreeSet<String>,
    /// True if an entry failed while it was being written.
    broken: bool,
    record: Vec<u8>,
    scratch: Scratch,
}

/// The result of writing an archive.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Summary {
    /// The SHA-256 of the bytes.
    pub sha256: [u8; 32],
    /// The [`ContentDigest`] of prefix and entries.
    pub content_digest: [u8; 32],
    /// The number of bytes written.
    pub bytes: u64,
    /// The number of entries, directories included.
    pub entries: u64,
    /// The [ids](crate::Encoder::id) of the encoders that were used, sorted. If the list is empty,
    /// the bytes are the same on every machine.
    pub encoders: Vec<String>,
}

impl<W: Write> Writer<W> {
    /// Creates a writer for an archive without a prefix.
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

    /// Creates a writer for an archive that starts with a script line `#!…\n`. More lines may
    /// follow, such as a whole shell script. Offsets count from the start of the file, as every zip
    /// reader expects.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Prefix`] if the prefix is not a script, and [`ErrorKind::Io`] if `out`
    /// fails.
    pub fn with_prefix(out: W, prefix: &[u8]) -> Result<Self, Error> {
        if !prefix.starts_with(b"#!") || !prefix.ends_with(b"\n") {
            return Err(ErrorKind::Prefix.into());
        }
        let mut writer = Self::new(out);
        writer.content = ContentDigest::new(prefix);
        writer.out.write_all(prefix).map_err(writing)?;
        Ok(writer)
    }

    /// Adds a directory. Parents of later entries are written automatically.
    ///
    /// # Errors
    ///
    /// Fails like [`Writer::file`].
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
    /// Returns [`ErrorKind::OutOfOrder`], [`ErrorKind::Duplicate`] or
    /// [`ErrorKind::FileAndDirectory`] if the name cannot be added; nothing is written then.
    /// Returns [`ErrorKind::SourceChanged`] if the source gives other bytes than when it was
    /// measured, and [`ErrorKind::Io`] if the source or the output fails.
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
        // One extra byte detects a source that has grown.
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
    /// Fails like [`Writer::file`].
    pub fn bytes(&mut self, path: &ArchivePath, mode: Mode, bytes: &[u8]) -> Result<(), Error> {
        self.file(path, mode, Content::bytes(bytes))
    }

    /// Copies a member of another archive under a new name, without recompressing it.
    ///
    /// The member is decoded once to check it and to compute its SHA-256, so damage is never passed
    /// on. Its compressed stream is then copied unchanged.
    ///
    /// # Errors
    ///
    /// Fails like [`Writer::file`] and [`Archive::copy_to`]. A symbolic link is refused.
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

    /// Copies a member whose content the caller has verified already, and whose SHA-256 is known
    /// (from a wheel's RECORD, for example). Nothing is decoded.
    ///
    /// # Errors
    ///
    /// Fails like [`Writer::copy`], except that damage to the compressed bytes goes unnoticed.
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

    /// Writes the central directory and returns the output.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Io`] if the output fails, and [`ErrorKind::Unfinished`] if an entry
    /// failed.
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

    /// Performs all steps before a file's header. Nothing is written if the name cannot be
    /// admitted.
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
        // A file that is one of the parents sorts before every name that starts with its name.
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

    /// Opens a name. Only names that start with an earlier name can clash with it, and they follow
    /// it directly.
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

/// Checks a member's content and returns its SHA-256.
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

/// An output that hashes and counts the bytes written to it.
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
