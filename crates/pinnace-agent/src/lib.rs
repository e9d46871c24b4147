//! Keeps services running on a machine.

mod agent;
mod api;
mod body;
mod client;
mod clock;
mod error;
#[doc(hidden)]
pub mod fuzzing;
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
pub use client::{Answered, Client, Follow, Offer, RemoteBackend};
pub use clock::Clock;
pub use error::{Error, ErrorKind};
pub use route::Route;
pub use status::{
    AgentStatus, Attempt, Cause, Outcome, Platforms, ProcessStatus, ServiceStatus, State,
};
pub use tokens::Tokens;
pub use variables::{Variables, VariablesFolder};
