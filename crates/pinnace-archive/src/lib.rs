//! Zip archives with deterministic bytes, and a strict reader for hostile ones.
//!
//! A build tool that writes zips has one job that is easily lost: the same entries must give
//! the same bytes, on every machine, today and in ten years. [`Writer`] does that by leaving
//! nothing to chance, and [`Archive`] reads zips that came from elsewhere without trusting them.
//!
//! # Writing
//!
//! ```
//! use pinnace_archive::{ArchivePath, Mode, Writer};
//!
//! let mut writer = Writer::new(Vec::new());
//! writer.bytes(&ArchivePath::parse("app/main.py")?, Mode::File, b"print('hello')\n")?;
//! writer.bytes(&ArchivePath::parse("app/run")?, Mode::Executable, b"#!/bin/sh\n")?;
//! let (bytes, summary) = writer.finish()?;
//! assert_eq!(summary.entries, 3); // `app/`, `app/main.py`, `app/run`
//! assert_eq!(summary.bytes, bytes.len() as u64);
//! # Ok::<(), pinnace_archive::Error>(())
//! ```
//!
//! The byte contract (`docs/format.md` has it in full):
//!
//! - entries stand in ascending order of their name's bytes; a directory's name ends in `/`, so a
//!   parent always stands before its children;
//! - every parent directory has an entry of its own, written when the first child arrives;
//! - one timestamp (1980-01-01 00:00:00), three modes ([`Mode::File`], [`Mode::Executable`] and
//!   the directory), host byte Unix, no extra fields unless zip64 (APPNOTE 4.5.3) needs them;
//! - sizes and checksums stand before the data, so there are no data descriptors;
//! - members are stored, or copied raw out of another zip, unless an encoder is asked for: no
//!   compressor can move a byte.
//!
//! Memory use is a few buffers, and 46 bytes and the name per entry, whatever the sizes.
//!
//! Output is written in pieces as small as a header: hand over a
//! [`BufWriter`](std::io::BufWriter) where a write is a system call.
//!
//! [`ArchiveBuilder`] takes entries in any order, from folders, other archives and memory, and
//! reads ahead on several threads. None of that changes a byte.
//!
//! Compression is for those who ask for it: an [`Encoder`] ([`Deflate`], or their own) is fed so
//! that neither threads nor the way in which the input is cut can change its output, and its id is
//! recorded. Its next version can, which is why nothing is compressed by default.
//!
//! # Two digests
//!
//! [`Summary::sha256`] names the bytes. [`Summary::content_digest`] names what the archive
//! *holds*: prefix, paths, modes and contents ([`ContentDigest`]). It does not change when a
//! member is stored instead of deflated, so caches key on it.
//!
//! # Reading
//!
//! [`Archive::open`] takes anything that implements [`ReadAt`] (a file, a byte slice, ranges of a
//! remote file) and refuses what two readers, or two file systems, could understand differently:
//! each [`Rule`] names one such thing. What a caller can live with is allowed by name, in a
//! [`Policy`], whose [`Limits`] bound what a hostile archive can make the caller spend.
//!
//! ```
//! use pinnace_archive::{Archive, ArchivePath, Mode, Policy, Writer};
//!
//! let mut writer = Writer::new(Vec::new());
//! writer.bytes(&ArchivePath::parse("a.txt")?, Mode::File, b"hello")?;
//! let (bytes, _) = writer.finish()?;
//!
//! let archive = Archive::open(bytes, Policy::strict())?;
//! let entry = archive.find("a.txt").expect("it was written above");
//! assert_eq!(archive.read(entry)?, b"hello");
//! # Ok::<(), pinnace_archive::Error>(())
//! ```
//!
//! [`Archive::verify`] reads everything once; `Archive::extract` (on Unix) puts it on disk and
//! never leaves the folder it was given, whatever is planted there.
//!
//! # Features
//!
//! `zstd` adds `Zstandard`, an encoder, and reads members that are compressed so. It compiles C.
//! Without it such members are refused, and nothing else changes.

mod builder;
mod content;
mod digest;
mod encode;
mod entry;
mod error;
mod extra;
#[cfg(unix)]
mod extract;
mod folder;
mod header;
mod limits;
mod locate;
mod member;
mod names;
mod ordered;
mod path;
mod policy;
mod read_at;
mod reader;
mod record;
mod rule;
mod write_options;
mod writer;

pub use builder::ArchiveBuilder;
pub use content::Content;
pub use digest::{ContentDigest, sha256};
#[cfg(feature = "zstd")]
pub use encode::Zstandard;
pub use encode::{Deflate, Encoder, PIECE};
pub use entry::{Entry, Method};
pub use error::{Error, ErrorKind};
#[cfg(unix)]
pub use extract::Extracted;
pub use folder::SymlinkPolicy;
pub use limits::Limits;
pub use path::{ArchivePath, Mode};
pub use policy::{Leniency, Policy};
pub use read_at::ReadAt;
pub use reader::Archive;
pub use rule::Rule;
pub use write_options::{Spool, WriteOptions};
pub use writer::{Summary, Writer};

/// The specification compiles, so that it cannot drift from the code.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/format.md")]
mod format {}
