//! The proxy: from a client's connection to the live process.

mod headers;
mod http;
mod in_flight_body;
mod listen;
mod tcp;

pub(crate) use http::{Origin, forward};
pub(crate) use listen::{Handler, RequestHandler, listen, stopped};
pub(crate) use tcp::detect;
