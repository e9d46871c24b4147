//! Keeps services running on a machine, and swaps their releases while they answer.
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use pinnace_agent::{Agent, Client, Clock, Options, Parts};
//! use pinnace_deploy::{Cache, Interpreters};
//! use pinnace_store::{MemoryBackend, Store};
//! use pinnace_wheel::Interpreter;
//!
//! /// A machine on which nothing runs.
//! struct NoPythons;
//! impl Interpreters for NoPythons {
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
//! let parts = Parts {
//!     store: Store::open(MemoryBackend::new())?,
//!     machine: Arc::new(Cache::open(&cache)?),
//!     pythons: Arc::new(NoPythons),
//!     fetch: None,
//!     clock: Clock(|| 1_800_000_000),
//! };
//! let agent = Agent::start(parts, Options::new(data))?;
//!
//! // Somewhere else, with no key to the store: what is put there is looked at before it is taken.
//! let client = Client::new(&agent.url(), None)?;
//! let store = Store::unopened(client.backend());
//! let digest = store.put(&mut "hello".as_bytes())?;
//! assert!(store.missing(&[digest])?.is_empty());
//! // What becomes of a generation of a service; of one that nobody has deployed nothing is known.
//! assert!(client.attempt("shop", 1, None, Duration::from_secs(60)).is_err());
//! agent.stop();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # How it is made
//!
//! Each service has a *keeper*, a task that alone changes it: it takes up what is wanted, brings it up beside what runs, and retires what
//! ran. Each service has a *gate*, through which every request goes: it leads to the process that is live at that moment, and knows who is with which
//! process. A swap is one write under the gate's lock, so that everybody is with the old process, and counted, or comes to the new one. What was
//! with the old one finishes; then that is asked to stop, and its process group is ended last.
//!
//! A process counts once it has *proven* itself: it takes connections, answers a request or a health check, or says a line; and has told its
//! metadata, if it has any. Until then nothing that is live is touched, so that a failure needs no way back.
//!
//! What proved itself is remembered in the agent's folder, durably, and started from there when the agent is started: neither the store nor the network is needed for
//! it. Processes carry a mark of their agent in their environment, by which those that were left behind are found.
//!
//! # Who talks to it
//!
//! The interface is HTTP under `/-/pinnace`, and [`Client`] speaks it. [`RemoteBackend`] is the agent's store as any other
//! [`Backend`](pinnace_store::Backend): deployers publish through it as they would into a folder, and
//! [`Store::accept`](pinnace_store::Store::accept) takes nothing on trust. Wheels that the world has are [offered](Client::offer) by URL and digest instead of being sent.
//!
//! # What it takes for granted
//!
//! Nothing is read of the environment, the clock, or the configuration: [`Parts`] and [`Options`] hold all of it, and
//! [`Variables`] and [`Fetch`] are what a user brings. An agent owns a runtime of its own; the store, which blocks, is called off it.

#[doc(hidden)]
pub mod fuzzing;

mod agent;
mod api;
mod body;
mod client;
mod clock;
mod error;
mod gate;
mod grpc;
mod inner;
mod instance;
mod keeper;
mod kept;
mod link;
mod live;
mod log;
mod metadata;
mod orphans;
mod prove;
mod proxy;
mod raise;
mod route;
mod saved;
mod status;
mod tokens;
mod variables;

pub use agent::{Agent, Fetch, Options, Parts};
pub use client::{Answered, Client, Follow, Lacking, Offer, RemoteBackend};
pub use clock::Clock;
pub use error::{Error, ErrorKind};
pub use log::{Deaf, Hearer};
pub use route::Route;
pub use status::{
    AgentStatus, Attempt, Cause, Outcome, Platforms, ProcessStatus, ServiceStatus, State,
};
pub use tokens::Tokens;
pub use variables::{Variables, VariablesFolder};
