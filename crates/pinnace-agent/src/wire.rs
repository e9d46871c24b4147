//! The parts of the HTTP interface that the client and the server share.

use serde::{Deserialize, Serialize};

/// The path below which an agent answers itself; all other paths belong to services.
pub(crate) const PREFIX: &str = "/-/pinnace";

/// The header with the time of an object's last write, in seconds since 1970. HTTP dates have another form.
pub(crate) const MODIFIED: &str = "x-pinnace-modified";

/// A wheel and its public URL, from which the agent can download it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct OfferedWheel {
    pub(crate) digest: String,
    pub(crate) url: String,
}
