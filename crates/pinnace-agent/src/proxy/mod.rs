//! From whoever asks to the process that is live.

mod headers;
mod http;
mod listen;
mod tcp;

pub(crate) use http::{Via, forward};
pub(crate) use listen::{Front, listen, stopped};
pub(crate) use tcp::speech;
