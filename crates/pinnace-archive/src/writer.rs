use std::io::{self, Read, Seek, Write};

use sha2::{Digest, Sha256};

use crate::{
    Archive, ArchivePath, Content, ContentDigest, Entry, Error, ErrorKind, Mode, ReadAt,
    content::for_each_chunk,
    record::{End, Member, STORED},
};

/// Writes an archive, entry by entry in ascending order, to any [`Write`].
///
/// Nothing is sought or patched: the output may be a pipe. An archive is whole only after
/// [`Writer::finish`].
#[derive(Debug)]
pub struct Writer<W> {
    out: Hashing<W>,
    central: Vec<u8>,
    names: Vec<Box<str>>,
    content: ContentDigest,
    record: Vec<u8>,
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
}

impl<W: Write> Writer<W> {
    /// An archive that starts with its first entry.
    pub fn new(out: W) -> Self {
        Self {
            out: Hashing { out, hash: Sha256::new(), written: 0 },
            central: Vec::new(),
            names: Vec::new(),
            content: ContentDigest::new(b""),
            record: Vec::new(),
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
        self.directory_entry(name)
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
            method: STORED,
            crc32: content.crc32,
            compressed: content.size,
            size: content.size,
            offset: self.out.written,
        })?;
        let mut crc = crc32fast::Hasher::new();
        let out = &mut self.out;
        let mut source = (&mut content.source).take(content.size.saturating_add(1));
        let size = for_each_chunk(&mut source, |bytes| {
            crc.update(bytes);
            out.write_all(bytes)
        })
        .map_err(|error| Error::io("copy a member", error))?;
        if size != content.size || crc.finalize() != content.crc32 {
            return Err(ErrorKind::SourceChanged { path: path.to_string() }.into());
        }
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
    /// The member is inflated once to check it, so that damage is never passed on; its deflate
    /// stream is then copied untouched.
    ///
    /// # Errors
    ///
    /// As [`Writer::file`], and those of [`Archive::copy_to`].
    pub fn copy<R: ReadAt>(
        &mut self,
        path: &ArchivePath,
        mode: Mode,
        archive: &Archive<R>,
        entry: &Entry,
    ) -> Result<(), Error> {
        let mut hash = Sha256Sink(Sha256::new());
        archive.copy_to(entry, &mut hash)?;
        self.begin(path, mode, &hash.0.finalize().into())?;
        self.member(&Member {
            name: path.as_str(),
            unix_mode: unix_mode(mode),
            method: entry.method_number(),
            crc32: entry.crc32,
            compressed: entry.compressed,
            size: entry.size,
            offset: self.out.written,
        })?;
        let mut raw = archive.raw(entry)?;
        for_each_chunk(&mut raw, |bytes| self.out.write_all(bytes))
            .map_err(|error| Error::io("copy a member", error))?;
        Ok(())
    }

    /// Writes the central directory and gives the output back.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] if the output fails.
    pub fn finish(mut self) -> Result<(W, Summary), Error> {
        let entries = self.names.len() as u64;
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
        };
        Ok((out, summary))
    }

    /// All that comes before a file's header; nothing is written if the name cannot be admitted.
    fn begin(&mut self, path: &ArchivePath, mode: Mode, sha256: &[u8; 32]) -> Result<(), Error> {
        self.admit(path.as_str())?;
        self.parents(path)?;
        self.names.push(path.as_str().into());
        self.content.file(path, mode, sha256);
        Ok(())
    }

    fn admit(&self, name: &str) -> Result<(), Error> {
        if let Some(last) = self.names.last() {
            if **last == *name {
                return Err(ErrorKind::Duplicate { path: name.to_owned() }.into());
            }
            if **last > *name {
                let (path, previous) = (name.to_owned(), last.to_string());
                return Err(ErrorKind::OutOfOrder { path, previous }.into());
            }
        }
        // Names are sorted, so a clash with `name` itself can only be among those before it.
        match name.strip_suffix('/') {
            Some(file) if self.has(file) => {
                Err(ErrorKind::FileAndDirectory { path: file.to_owned() }.into())
            }
            _ => Ok(()),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.names.binary_search_by(|known| (**known).cmp(name)).is_ok()
    }

    /// Writes the parent directories that have no entry yet. They sort between the last entry and
    /// `path`: every name from `a/` up to `a/b` starts with `a/`.
    fn parents(&mut self, path: &ArchivePath) -> Result<(), Error> {
        for (end, _) in path.as_str().match_indices('/') {
            let name = &path.as_str()[..=end];
            if !self.has(name) {
                self.admit(name)?;
                self.directory_entry(name.to_owned())?;
            }
        }
        Ok(())
    }

    fn directory_entry(&mut self, name: String) -> Result<(), Error> {
        self.content.directory_name(&name);
        self.member(&Member {
            name: &name,
            unix_mode: 0o040_755,
            method: STORED,
            crc32: 0,
            compressed: 0,
            size: 0,
            offset: self.out.written,
        })?;
        self.names.push(name.into());
        Ok(())
    }

    fn member(&mut self, member: &Member<'_>) -> Result<(), Error> {
        self.record.clear();
        member.encode_local(&mut self.record);
        self.out.write_all(&self.record).map_err(writing)?;
        member.encode_central(&mut self.central);
        Ok(())
    }
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

/// The output, hashed and counted on its way.
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

struct Sha256Sink(Sha256);

impl Write for Sha256Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
