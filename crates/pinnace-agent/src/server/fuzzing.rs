//! The parsers of untrusted input, for the fuzz targets.

use bytes::Bytes;

use super::{api, grpc, metadata, output, proxy, variables::VariablesFolder};
use crate::Tokens;

/// Parses a gRPC message and the metadata in it.
pub fn message(bytes: &[u8]) {
    if let Ok(message) = grpc::unframe(&Bytes::copy_from_slice(bytes)) {
        let _ = metadata::read(&message);
    }
    let _ = metadata::read(bytes);
}

/// Detects the protocol of a connection's first bytes. More bytes never change a result.
pub fn protocol(bytes: &[u8]) {
    let mut known = None;
    for length in 1..=bytes.len().min(32) {
        let detected = proxy::detect(&bytes[..length]);
        assert!(known.is_none() || detected == known, "it was taken for something else");
        known = detected;
    }
}

/// Parses texts: tokens, files of variables, `Authorization` headers, lines of output.
pub fn text(text: &str) {
    if let Ok(tokens) = Tokens::parse(text, "fuzz") {
        assert!(Tokens::first(text).is_some_and(|token| tokens.accept(token)));
    }
    let _ = VariablesFolder::parse(text);
    let _ = api::token_of(text);
    let plain = output::plain(text);
    assert!(!plain.chars().any(|sign| sign.is_control() && sign != '\t'), "{plain:?}");
}
