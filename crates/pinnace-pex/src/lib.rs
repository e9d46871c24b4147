//! The PEX format: Python programs in one file, built and read, with a boot runtime of our own.
//!
//! A PEX file is an archive behind a `#!` line. It holds wheels, user code, `PEX-INFO` and
//! `__main__.py`, so that any Python runs it. [`PexBuilder`] writes one:
//!
//! ```
//! use pinnace_pex::{EntryPoint, NoWheels, PexBuilder};
//! use pinnace_wheel::{Libc, Target};
//!
//! let target = Target::cpython_on_linux("3.12.4", "x86_64", Libc::Glibc { major: 2, minor: 28 })?;
//! let mut builder = PexBuilder::new();
//! builder.add_platform(&target, []);
//! builder.add_bytes("hello.py", b"print('hello')\n")?;
//! builder.set_entry_point(EntryPoint::parse("hello")?);
//!
//! let mut file = Vec::new();
//! let written = builder.write(&mut file, &NoWheels, 1)?;
//! assert!(file.starts_with(b"#!/bin/sh\n"));
//! assert_eq!(written.archive.bytes, file.len() as u64);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is in the file
//!
//! Each wheel is held whole and stored, as `.deps/<name>.whl`: writing is copying, its bytes are
//! the index's own, and its hash in `PEX-INFO` is the SHA-256 that everybody knows it by. The pex
//! tool calls that `deps_are_wheel_files`. [`WheelForm::Installed`] holds them as that tool does by
//! default, and a [`Compiler`] adds bytecode. [`FolderLayout`] has the shapes that are folders.
//!
//! The file's *key* is the [content digest](pinnace_archive::ContentDigest) of all members but
//! `__main__.py`, which carries the key itself. One changed byte anywhere, in a dot-file too,
//! makes another key, and so another folder in the cache of the machine that runs it.
//!
//! # What happens at the start
//!
//! A script before the zip looks for the environment that an earlier start made ready, and goes over
//! to its interpreter: one `sh`, one Python. Where there is none, `__main__.py` finds the boot code,
//! which chooses an interpreter, unpacks each wheel once per machine (verified as a whole and member
//! by member against its RECORD; the code against the key) and shows all of them in a virtual
//! environment of links. What a file means to the pex tool, its variables and its members on a
//! `PEX_PATH` included, it means here; `docs/pex.md` has the table.
//!
//! # Reading
//!
//! [`Pex`] reads files and folders, whoever wrote them: [`Pex::verify`] tells whether one is whole,
//! [`Pex::diff`] what differs in another, [`PexMerge`] makes one of several, by the rules of
//! [`pinnace_env`].
//!
//! # What stands between the libraries
//!
//! This crate also gives the archive, wheel and env crates to each other: [`ZipMembers`] lets
//! wheel look into zips with archive's strict reader, [`PlatformRules`] lets env judge
//! requirements and tags with wheel.

mod assemble;
mod builder;
mod chroot;
mod compile;
mod constraint;
mod diff;
mod entry_point;
mod error;
mod flat;
mod info;
mod layout;
mod measure;
mod member;
mod merge;
mod read;
mod record;
mod rules;
mod runtime;
mod scheme;
mod scripts;
mod sources;
mod unpack;
mod verify;
mod wheels;
mod write;
mod zip_members;

pub use builder::{PexBuilder, Written};
pub use compile::{Bytecode, Compiler};
pub use constraint::InterpreterConstraint;
pub use diff::{DistributionChange, FileChange, PexDiff};
pub use entry_point::EntryPoint;
pub use error::{Error, ErrorKind};
pub use info::{BytecodeInfo, OwnInfo, PexInfo, PlatformInfo};
pub use layout::FolderLayout;
pub use merge::PexMerge;
pub use read::{Pex, PexDistribution, PexLayer, PexLayout, PexWheels, WheelForm};
pub use rules::PlatformRules;
pub use runtime::Runtime;
pub use scripts::{ScriptTarget, console_scripts, find_script};
pub use verify::Problem;
pub use wheels::{NoWheels, ReadSeek, WheelFiles};
pub use write::Compression;
pub use zip_members::{ZipMembers, extract_zip};

/// The README's examples run, so that they stay true.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}
