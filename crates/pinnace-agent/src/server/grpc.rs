//! Unary gRPC calls over HTTP/2 without TLS. The few messages that are needed here have one field each, and are encoded
//! by hand.

use std::io::Read;

use bytes::{BufMut, Bytes};
use http_body_util::BodyExt;
use hyper::{
    HeaderMap, Method, Request,
    header::{CONTENT_TYPE, HeaderName, HeaderValue, TE},
};

use super::{body::full, gate::Upstream};

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");
/// The size limit of a response, in bytes.
const LARGEST: usize = 100 << 20;

/// Calls a method with a message, and returns the message of the response.
pub(crate) async fn call(
    upstream: &Upstream,
    path: &str,
    message: Vec<u8>,
) -> Result<Bytes, String> {
    let mut framed = Vec::with_capacity(message.len() + 5);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).map_err(|_| "the message is too large")?);
    framed.extend(message);
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("http://process{path}"))
        .header(CONTENT_TYPE, HeaderValue::from_static("application/grpc"))
        .header(TE, HeaderValue::from_static("trailers"))
        .body(full(framed))
        .map_err(|error| error.to_string())?;
    let answer = upstream.clients.http2.request(request).await.map_err(|error| reason(&error))?;
    check_status(answer.headers())?;
    if !answer.status().is_success() {
        return Err(format!("it answers {}", answer.status()));
    }
    let limited = http_body_util::Limited::new(answer.into_body(), LARGEST);
    let body = limited.collect().await.map_err(|error| error.to_string())?;
    if let Some(trailers) = body.trailers() {
        check_status(trailers)?;
    }
    unframe(&body.to_bytes())
}

/// Returns the one message of a response. Some servers compress it with gzip without being asked.
pub(crate) fn unframe(bytes: &Bytes) -> Result<Bytes, String> {
    let length = bytes.get(1..5).and_then(|length| length.try_into().ok()).map(u32::from_be_bytes);
    match (bytes.first(), length) {
        (Some(0), Some(length)) if bytes.len() == length as usize + 5 => Ok(bytes.slice(5..)),
        (Some(1), Some(length)) if bytes.len() == length as usize + 5 => {
            let mut message = Vec::new();
            let inflate = flate2::read::GzDecoder::new(&bytes[5..]).take(LARGEST as u64 + 1);
            let read = { inflate }.read_to_end(&mut message);
            match read {
                Ok(length) if length <= LARGEST => Ok(message.into()),
                Ok(_) => Err("its answer is too large".to_owned()),
                Err(error) => Err(format!("its answer cannot be read: {error}")),
            }
        }
        _ => Err("its answer is no single message".to_owned()),
    }
}

/// Returns the innermost cause; the outer ones only say that a request failed.
fn reason(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), reason)
}

fn check_status(headers: &HeaderMap) -> Result<(), String> {
    let Some(status) = headers.get(STATUS).filter(|status| *status != "0") else { return Ok(()) };
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let message = headers.get(MESSAGE).map(text).unwrap_or_default();
    Err(format!("it answers status {} {message}", text(status)).trim_end().to_owned())
}

/// Encodes a message whose field number 1 is a text (Protocol Buffers, "Encoding").
pub(crate) fn text_message(text: &str) -> Vec<u8> {
    if text.is_empty() {
        return Vec::new();
    }
    let mut message = vec![1 << 3 | 2];
    let mut length = text.len();
    while length >= 0x80 {
        message.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    message.push(length as u8);
    message.extend(text.as_bytes());
    message
}

/// Decodes the first field of a message, if its number is 1.
pub(crate) fn first_field(message: &[u8]) -> Option<Field<'_>> {
    let (tag, rest) = message.split_first()?;
    let (value, rest) = varint(rest)?;
    match tag {
        0x0a => rest.get(..usize::try_from(value).ok()?).map(Field::Bytes),
        0x08 => Some(Field::Number(value)),
        _ => None,
    }
}

/// The value of a field.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Field<'a> {
    Bytes(&'a [u8]),
    Number(u64),
}

/// Decodes a varint: seven bits a byte, the lowest first.
fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate().take(9) {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_they_were_written() {
        for text in ["x", "DagsterApi", &"long".repeat(100)] {
            let message = text_message(text);
            assert_eq!(first_field(&message), Some(Field::Bytes(text.as_bytes())));
            assert_eq!(first_field(&message[..message.len() - 1]), None);
        }
        assert!(text_message("").is_empty());
        assert_eq!(first_field(&[0x08, 1]), Some(Field::Number(1)));
        assert_eq!(
            first_field(&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            None
        );
        assert_eq!(first_field(&[]), None);
    }
}
