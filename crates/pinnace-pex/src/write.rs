//! Writing a PEX file as one zip.

use std::{
    cell::LazyCell,
    collections::{BTreeMap, BTreeSet},
    io::{Cursor, Seek, SeekFrom, Write},
    path::Path,
    thread,
};

use pinnace_archive::{ArchivePath, Content, Deflate, Mode, Summary, Writer};

use crate::{
    Error, ErrorKind, WheelFiles,
    error::archive,
    measure::{Ahead, InOrder},
    member::{Member, Members, Reader},
    runtime::Import,
    sources::at,
    wheels,
};

/// The options of the writer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ZipOptions {
    pub(crate) threads: usize,
    pub(crate) compression: Compression,
}

/// The compression of everything except whole wheels.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Compression {
    /// No compression except for the boot code, so that no compressor can change the bytes of the
    /// user's files.
    #[default]
    Stored,
    /// No compression at all.
    Nothing,
    /// Deflate: smaller and slower to read. Another version of Pinnace may write other bytes.
    Deflate,
}

/// Writes the members after a prefix. It opens and measures wheels and files on `threads` threads
/// ahead of the writer.
pub(crate) fn zip<W: Write>(
    out: W,
    prefix: &[u8],
    members: &Members,
    wheels: &dyn WheelFiles,
    options: ZipOptions,
) -> Result<Summary, Error> {
    let ahead = members.values().filter_map(|(_, member)| ahead(member, options.compression));
    let ahead: Vec<Ahead<'_>> = ahead.collect();
    thread::scope(|scope| {
        let measured = InOrder::start(scope, wheels, &ahead, options.threads)
            .map_err(|source| ErrorKind::Thread { source })?;
        let zip = match prefix {
            b"" => Writer::new(out),
            prefix => Writer::with_prefix(out, prefix).map_err(archive)?,
        };
        let (reader, deflate) =
            (Reader::new(wheels), LazyCell::new((|| Deflate::new(9)) as fn() -> _));
        let compression = options.compression;
        let mut writer = MemberWriter { zip, measured, reader, compression, deflate };
        members.iter().try_for_each(|(path, (mode, member))| writer.write(path, *mode, member))?;
        writer.zip.finish().map(|(_, summary)| summary).map_err(archive)
    })
}

/// Returns the zip format that these members need. Zip64 begins where 16 bits are too few for the
/// number of entries, or 32 bits for the bytes.
pub(crate) fn import(members: &Members, wheels: &dyn WheelFiles) -> Result<Import, Error> {
    let mut bytes = 0;
    let mut sizes = Sizes::default();
    for (path, (_, member)) in members {
        bytes += 200 + 2 * path.as_str().len() as u64;
        bytes += match member {
            Member::Bytes(content) | Member::Archive(content) | Member::Code(content) => {
                content.len() as u64
            }
            Member::File { file, .. } => file.metadata().map_err(at(file))?.len(),
            Member::Inside { wheel, sha256, entry, .. } => {
                sizes.inside(wheel, sha256, entry, wheels)?
            }
            Member::Wheel { name, sha256 } => wheels
                .open(sha256)
                .and_then(|mut file| file.seek(SeekFrom::End(0)))
                .map_err(|source| ErrorKind::Wheel { wheel: name.clone(), source })?,
        };
    }
    let folders: BTreeSet<&str> = members.keys().flat_map(|path| parents(path.as_str())).collect();
    let entries = members.len() + folders.len();
    let fits = entries < 0xffff && bytes < 0xffff_0000;
    Ok(if fits { Import::Zip } else { Import::Zip64 })
}

/// The sizes of the members of the wheel that was opened last.
#[derive(Default)]
struct Sizes {
    wheel: [u8; 32],
    sizes: BTreeMap<String, u64>,
}

impl Sizes {
    fn inside(
        &mut self,
        wheel: &str,
        sha256: &[u8; 32],
        entry: &str,
        files: &dyn WheelFiles,
    ) -> Result<u64, Error> {
        if self.wheel != *sha256 {
            let zip = wheels::open(files, wheel, sha256)?;
            let entries = zip.entries().iter();
            self.sizes = entries.map(|entry| (entry.name().to_owned(), entry.size())).collect();
            self.wheel = *sha256;
        }
        Ok(self.sizes.get(entry).copied().unwrap_or_default())
    }
}

/// Returns the parent folders of a path: `a` and `a/b` for `a/b/c`.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

/// Returns the part of a member that is measured before it is written.
fn ahead(member: &Member, compression: Compression) -> Option<Ahead<'_>> {
    match member {
        Member::Wheel { sha256, .. } => Some(Ahead::Wheel(sha256)),
        Member::File { file, .. } if !compresses(member, compression) => Some(Ahead::File(file)),
        _ => None,
    }
}

/// A writer of members, each from where its content is and with the compression that it has.
struct MemberWriter<'w, W: Write> {
    zip: Writer<W>,
    /// Wheels and files, in the order of the members.
    measured: InOrder,
    reader: Reader<'w>,
    compression: Compression,
    /// The encoder takes some milliseconds to create, so it is created only if a member is
    /// compressed.
    deflate: LazyCell<Deflate>,
}

impl<W: Write> MemberWriter<'_, W> {
    fn write(&mut self, path: &ArchivePath, mode: Mode, member: &Member) -> Result<(), Error> {
        let compresses = compresses(member, self.compression);
        let write_bytes = if compresses { Self::compress } else { Self::store };
        match member {
            Member::Bytes(bytes) | Member::Archive(bytes) | Member::Code(bytes) => {
                write_bytes(self, path, mode, bytes)
            }
            Member::Inside { wheel, sha256, entry, content } => {
                let bytes = self.reader.inside(wheel, sha256, entry, content)?;
                write_bytes(self, path, mode, &bytes)
            }
            Member::Wheel { name, .. } => {
                let fault = |source| ErrorKind::Wheel { wheel: name.clone(), source };
                let content = self.measured.next().map_err(fault)?;
                self.zip.file(path, mode, content).map_err(archive)
            }
            Member::File { file, sha256 } if compresses => {
                let bytes = std::fs::read(file).map_err(at(file))?;
                unchanged(file, &pinnace_archive::sha256(&bytes), sha256)?;
                self.compress(path, mode, &bytes)
            }
            Member::File { file, sha256 } => {
                let content = self.measured.next().map_err(at(file))?;
                unchanged(file, &content.sha256(), sha256)?;
                self.zip.file(path, mode, content).map_err(archive)
            }
        }
    }

    fn store(&mut self, path: &ArchivePath, mode: Mode, bytes: &[u8]) -> Result<(), Error> {
        self.zip.bytes(path, mode, bytes).map_err(archive)
    }

    fn compress(&mut self, path: &ArchivePath, mode: Mode, bytes: &[u8]) -> Result<(), Error> {
        let encoded = Content::encode(Cursor::new(bytes), &*self.deflate, Cursor::new(Vec::new()))
            .map_err(at(path.as_str().as_ref()))?;
        self.zip.file(path, mode, encoded).map_err(archive)
    }
}

/// Checks whether a member is compressed. Boot code is compressed unless compression is off, and
/// archives never are.
fn compresses(member: &Member, compression: Compression) -> bool {
    match member {
        Member::Code(_) => compression != Compression::Nothing,
        Member::Archive(_) => false,
        _ => compression == Compression::Deflate,
    }
}

fn unchanged(file: &Path, found: &[u8; 32], measured: &[u8; 32]) -> Result<(), Error> {
    if found == measured {
        Ok(())
    } else {
        Err(ErrorKind::Changed { path: file.to_owned() }.into())
    }
}
