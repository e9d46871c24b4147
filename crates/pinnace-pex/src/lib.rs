//! Reading and writing PEX files: Python programs in one file, with a boot runtime of our own.
//!
//! A PEX file is a zip archive behind a `#!` line. It holds wheels, user code, `PEX-INFO` and
//! `__main__.py`, so any Python can run it. [`PexBuilder`] writes one:
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
//! # The contents of a file
//!
//! The builder stores each wheel whole and uncompressed, as `.deps/<name>.whl`. Writing is copying:
//! the bytes are the ones that the index serves, and the hash in `PEX-INFO` is the wheel's public
//! SHA-256. The pex tool calls this layout `deps_are_wheel_files`. [`WheelForm::Installed`] unpacks
//! the wheels as that tool does by default. A [`Compiler`] adds bytecode, and [`FolderLayout`]
//! lists the layouts that are folders.
//!
//! The *key* of a file is the [content digest](pinnace_archive::ContentDigest) of all members
//! except `__main__.py`, which carries the key itself. If one byte changes anywhere, even in a
//! dot-file, the key changes. The machine that runs the file then uses another folder of its cache.
//!
//! # The start of a file
//!
//! A shell script before the zip looks for the environment that an earlier start prepared, and
//! execs its interpreter: a warm start costs one `sh` and one Python. Without an environment,
//! `__main__.py` loads the boot code. The boot code chooses an interpreter and unpacks each wheel
//! once per machine. It verifies the whole wheel, each member against RECORD, and the user code
//! against the key. Then it links all wheels into a virtual environment. A file means the same here
//! as to the pex tool, including its variables and the files on a `PEX_PATH`; `docs/pex.md` has the
//! table.
//!
//! # Reading
//!
//! [`Pex`] reads files and folders, from this crate or from the pex tool. [`Pex::verify`] checks
//! their integrity, [`Pex::diff`] compares two of them, and [`PexMerge`] merges several into one by
//! the rules of [`pinnace_env`].
//!
//! # Glue between the libraries
//!
//! This crate also connects the archive, wheel and env crates, which do not know each other.
//! [`ZipMembers`] lets the wheel crate read zips with the strict reader of the archive crate.
//! [`PlatformRules`] lets the env crate judge requirements and tags with the wheel crate.

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
mod output;
mod read;
mod record;
mod rules;
mod runtime;
mod scheme;
mod scripts;
mod sources;
mod stored_zip;
mod unpack;
mod verify;
mod wheels;
mod write;
mod zip_members;

pub use builder::PexBuilder;
pub use compile::{Bytecode, Compiler};
pub use constraint::InterpreterConstraint;
pub use diff::{DistributionChange, FileChange, PexDiff};
pub use entry_point::EntryPoint;
pub use error::{Error, ErrorKind};
pub use info::{BytecodeInfo, OwnInfo, PexInfo, PlatformInfo};
pub use layout::FolderLayout;
pub use merge::PexMerge;
pub use output::Written;
pub use read::{Pex, PexDistribution, PexLayer, PexLayout, PexWheels, WheelForm};
pub use rules::PlatformRules;
pub use runtime::Runtime;
pub use scripts::{ScriptTarget, console_scripts, find_script};
pub use verify::Problem;
pub use wheels::{NoWheels, ReadSeek, WheelFiles};
pub use write::Compression;
pub use zip_members::{ZipMembers, extract_zip};

/// Runs the examples of the README as doc tests, so that they stay correct.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}
