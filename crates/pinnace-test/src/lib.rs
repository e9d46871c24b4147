//! Fixtures for the tests of all crates: wheels, source distributions, a simple index on loopback,
//! and a folder to run a program in. Nothing that ships depends on this crate.
//!
//! - [`Wheel`] and [`Sdist`] make distributions in memory. `RECORD` and the rest of `.dist-info`
//!   are generated and right; [`zip`] makes an archive of whatever a test wants to be wrong.
//! - [`Index`] serves distributions over HTTP, records what is requested, and misbehaves on demand
//!   ([`Fault`]). [`Server`] below it answers requests with what a closure returns.
//! - [`World`] is a temporary folder, an environment and a program. [`Ran`] is what a program left
//!   behind: its exit code and its output.
//! - [`Folder`], [`write()`] and [`tree`] make and list files. [`python()`] finds the interpreter,
//!   [`until()`] waits for something that takes a moment, and [`ask`] speaks to a server.
//!
//! # Example
//!
//! ```
//! use pinnace_test::{Index, Wheel, World};
//!
//! let moo = Wheel::new("moo", "1.0")
//!     .requires("voice>=1")
//!     .file("moo.py", "def main():\n    print('moo')\n")
//!     .console_script("moo", "moo:main");
//! assert_eq!(moo.file_name(), "moo-1.0-py3-none-any.whl");
//!
//! let index = Index::start();
//! index.add(&moo);
//!
//! let world = World::new("/bin/sh").with_env("PIP_INDEX_URL", index.url());
//! world.folder.write("hello.txt", "hello\n");
//! assert_eq!(world.ok(&["-c", "cat hello.txt"]).out, "hello\n");
//! world.fails(&["-c", "echo \"no $0\" >&2; exit 2", "cow"], 2, &["no cow"]);
//! assert_eq!(world.folder.names(), ["hello.txt"]);
//! assert!(index.take_requests().is_empty());
//! ```
//!
//! # Failure
//!
//! Everything here panics when it cannot do its work: a test that cannot go on fails.
//!
//! # Dependencies
//!
//! Every crate's tests build this one first, so it stands on `pinnace-archive` alone, and all of it
//! blocks: the index is a thread that accepts, and a thread for each connection.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod archive;
mod ask;
mod digest;
mod files;
mod folder;
mod index;
mod page;
mod program;
mod python;
mod ran;
mod request;
mod response;
mod sdist;
mod server;
mod until;
mod wheel;
mod world;

pub use archive::zip;
pub use ask::ask;
pub use digest::sha256_hex;
pub use files::{tree, write, write_executable};
pub use folder::Folder;
pub use index::{Fault, Index};
pub use page::Page;
pub use program::{interrupt, run_with_input};
pub use python::python;
pub use ran::Ran;
pub use request::Request;
pub use response::{Delivery, Response};
pub use sdist::Sdist;
pub use server::Server;
pub use until::until;
pub use wheel::Wheel;
pub use world::World;
