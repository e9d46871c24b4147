//! An agent that keeps services running on a machine and swaps their releases while they serve, and its client.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use pinnace_agent::{Agent, Client, Clock, Dependencies, Options};
//! use pinnace_deploy::{Cache, Interpreters};
//! use pinnace_store::{MemoryBackend, Store};
//! use pinnace_wheel::Interpreter;
//!
//! /// A machine without Python.
//! struct NoInterpreters;
//! impl Interpreters for NoInterpreters {
//!     fn find(&self, version: &str) -> Result<Interpreter, String> {
//!         Err(format!("there is no Python {version}"))
//!     }
//!     fn all(&self) -> Vec<Interpreter> {
//!         Vec::new()
//!     }
//! }
//!
//! # let folder = tempfile::tempdir()?;
//! # let (cache, data) = (folder.path().join("cache"), folder.path().join("data"));
//! let dependencies = Dependencies {
//!     store: Store::open(MemoryBackend::new())?,
//!     cache: Arc::new(Cache::open(&cache)?),
//!     interpreters: Arc::new(NoInterpreters),
//!     fetch: None,
//!     clock: Clock(|| 1_800_000_000),
//! };
//! let agent = Agent::start(dependencies, Options::new(data))?;
//!
//! // On another machine, without credentials of the store. The agent verifies all that it stores.
//! let client = Client::new(&agent.url(), None)?;
//! let store = Store::unopened(client.backend());
//! let digest = store.put(&mut "hello".as_bytes())?;
//! assert!(store.missing(&[digest])?.is_empty());
//! // A service that has no deployment cannot be waited for.
//! assert!(client.wait_for_attempt("shop", 1, None, Duration::from_secs(60)).is_err());
//! agent.stop();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Features
//!
//! `client` brings [`Client`] and [`RemoteBackend`], which block and bring no async runtime. `server` brings [`Agent`],
//! with its proxy and its runtime. Both are on by default; a deployer needs `client` alone.
//!
//! # Design
//!
//! Each service has a *supervisor*, the one task that changes it: it launches new deployments beside the live release,
//! swaps to them, and drains the old processes. Each service has a *gate*, which all requests pass: it leads them to the
//! live process, and counts the requests in flight. A swap is one write under the gate's lock. A request either counts
//! with the old process, or goes to the new one. The old process finishes its requests, is asked to stop, and its process
//! group is ended.
//!
//! A process counts once it is *ready*: it accepts connections, answers a request or a gRPC health check, or writes a line of
//! output; and it has given its metadata, if it declares any. Until then the live processes stay untouched, so that a failed
//! launch needs no way back.
//!
//! The last ready release is recorded durably in the agent's folder. A starting agent launches it without the store or
//! the network. Processes carry a mark of their agent in their environment, by which a new agent finds those that a
//! killed one has left.
//!
//! # HTTP interface
//!
//! The interface is HTTP under `/-/pinnace`. [`RemoteBackend`] serves the agent's store as a
//! [`Backend`](pinnace_store::Backend): deployers publish through it like into a folder, and
//! [`Store::accept`](pinnace_store::Store::accept) verifies all objects. Public wheels are [offered](Client::offer) by URL and digest
//! instead of being uploaded.
//!
//! # Surroundings
//!
//! The agent reads no environment variable, clock or configuration file by itself: [`Dependencies`] and [`Options`] hold all of
//! them, and [`Variables`] and [`Fetch`] are traits of the caller. An agent owns its async runtime, and calls the blocking store
//! off its threads.

#[cfg(feature = "client")]
mod client;
mod error;
#[cfg(feature = "server")]
mod server;
mod status;
mod tokens;
#[cfg(any(feature = "client", feature = "server"))]
mod wire;

#[cfg(feature = "client")]
pub use client::{Client, Follow, MissingVariables, Offer, RemoteBackend, RolloutStatus};
pub use error::{Error, ErrorKind};
#[cfg(feature = "server")]
#[doc(hidden)]
pub use server::fuzzing;
#[cfg(feature = "server")]
pub use server::{
    Agent, Clock, Dependencies, Fetch, LogSink, NullSink, Options, Route, Variables,
    VariablesFolder,
};
pub use status::{
    AgentStatus, Attempt, Cause, Outcome, Platforms, ProcessStatus, ServiceStatus, State,
};
pub use tokens::Tokens;
