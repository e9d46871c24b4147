//! What comes from outside, for the fuzz targets.

use bytes::Bytes;

use crate::{Tokens, VariablesFolder, api, grpc, instance, metadata, proxy};

/// A message of gRPC, and what is read of it.
pub fn message(bytes: &[u8]) {
    if let Ok(message) = grpc::unframe(&Bytes::copy_from_slice(bytes)) {
        let _ = metadata::read(&message);
    }
    let _ = metadata::read(bytes);
}

/// The first bytes of a connection: more of them never change what is known.
pub fn speech(bytes: &[u8]) {
    let mut known = None;
    for length in 1..=bytes.len().min(32) {
        let said = proxy::speech(&bytes[..length]);
        assert!(known.is_none() || said == known, "it was taken for something else");
        known = said;
    }
}

/// Texts: tokens, files of variables, what a client shows, lines of a log.
pub fn text(text: &str) {
    if let Ok(tokens) = Tokens::parse(text, "fuzz") {
        assert!(Tokens::first(text).is_some_and(|token| tokens.accept(token)));
    }
    let _ = VariablesFolder::parse(text);
    let _ = api::shown(text);
    let plain = instance::plain(text);
    assert!(!plain.chars().any(|sign| sign.is_control() && sign != '\t'), "{plain:?}");
}
