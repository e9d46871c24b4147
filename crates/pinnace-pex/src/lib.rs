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
//! tool calls that `deps_are_wheel_files`.
//!
//! The file's *key* is the [content digest](pinnace_archive::ContentDigest) of all members but
//! `__main__.py`, which carries the key itself. One changed byte anywhere, in a dot-file too,
//! makes another key, and so another folder in the cache of the machine that runs it.
//!
//! # What happens at the start
//!
//! `__main__.py` is compiled at every start, so it is small. It finds the boot code in the cache
//! (`PEX_ROOT`, else the cache folder of the pex tool; ours is `pinnace/1/` in it), where Python
//! keeps its bytecode. The first start on a machine unpacks each wheel once, under the SHA-256 of
//! its bytes, verified as a whole and member by member against its RECORD, and shows them
//! together in one folder of links. Later starts read one small file and go.
//!
//! What runs sees its own code, the standard library and its dependencies, in that order;
//! `PEX_INHERIT_PATH` lets more in. `PEX_INTERPRETER`, `PEX_MODULE`, `PEX_SCRIPT` and `PEX_ROOT`
//! mean what they mean to the pex tool.
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
mod members;
mod merge;
mod read;
mod record;
mod rules;
mod runtime;
mod scheme;
mod scripts;
mod sources;
mod verify;
mod wheels;
mod write;

pub use builder::{PexBuilder, Written};
pub use compile::{Bytecode, Compiler};
pub use constraint::InterpreterConstraint;
pub use diff::{DistributionChange, FileChange, PexDiff};
pub use entry_point::EntryPoint;
pub use error::{Error, ErrorKind};
pub use info::{BytecodeInfo, OwnInfo, PexInfo, PlatformInfo};
pub use layout::FolderLayout;
pub use members::ZipMembers;
pub use merge::PexMerge;
pub use read::{Pex, PexDistribution, PexLayer, PexLayout, PexWheels, WheelForm};
pub use rules::PlatformRules;
pub use scripts::{ScriptTarget, find_script};
pub use verify::Problem;
pub use wheels::{NoWheels, ReadSeek, WheelFiles};
pub use write::Compression;

/// The README's examples run, so that they stay true.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}
