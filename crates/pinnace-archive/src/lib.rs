//! Zip archives with deterministic bytes, and a strict reader for hostile ones.
//!
//! A build tool that writes zips must write the same bytes for the same entries, on every machine,
//! today and in ten years. [`Writer`] guarantees that by fixing every field of the format.
//! [`Archive`] reads zips of unknown origin without trusting them.
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
//! - Entries stand in ascending byte order of their names. A directory's name ends in `/`, so a
//!   parent always stands before its children.
//! - Every parent directory has an entry of its own, written when the first child arrives.
//! - There is one timestamp (1980-01-01 00:00:00) and there are three modes ([`Mode::File`],
//!   [`Mode::Executable`] and the directory). The host byte is Unix. There are no extra fields
//!   unless zip64 (APPNOTE 4.5.3) needs them.
//! - Sizes and checksums stand before the data, so there are no data descriptors.
//! - Members are stored, or copied raw out of another zip, unless the caller asks for an encoder.
//!   So no version of a compressor can change the bytes.
//!
//! Memory use is a few buffers, plus 46 bytes and the name per entry, whatever the sizes.
//!
//! The writer emits pieces as small as a header: pass a [`BufWriter`](std::io::BufWriter) if every
//! write is a system call.
//!
//! [`ArchiveBuilder`] takes entries in any order, from folders, other archives and memory, and
//! reads ahead on several threads. Neither changes the bytes.
//!
//! Compression is optional: pass an [`Encoder`] ([`Deflate`], or one of your own). Neither threads
//! nor the way the input is cut can change the encoder's output, and its id is recorded. A new
//! version of the encoder can change the output, so nothing is compressed by default.
//!
//! # Two digests
//!
//! [`Summary::sha256`] identifies the bytes. [`Summary::content_digest`] identifies what the
//! archive *holds*: prefix, paths, modes and contents ([`ContentDigest`]). It does not change when
//! a member is stored instead of deflated, so it serves as a cache key.
//!
//! # Reading
//!
//! [`Archive::open`] takes anything that implements [`ReadAt`]: a file, a byte slice, ranges of a
//! remote file. It refuses everything that two readers, or two file systems, could understand
//! differently. Each [`Rule`] names one such ambiguity. A [`Policy`] allows single exceptions by
//! name, and its [`Limits`] bound what a hostile archive can make the caller spend.
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
//! [`Archive::verify`] reads everything once. `Archive::extract` (on Unix) extracts to a folder and
//! never writes outside of it, whatever files or links an attacker plants there.
//!
//! # Features
//!
//! `zstd` adds `Zstandard`, an encoder, and support for reading members that are compressed with
//! it. The feature compiles C code. Without it such members are refused, and nothing else changes.

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
mod verify;
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

/// The specification, compiled as doc tests so that it cannot drift from the code.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/format.md")]
mod format {}
