//! An agent's store as a backend.

use std::{
    fmt,
    io::{self, Seek, Write},
    ops::Range,
};

use pinnace_store::{
    Backend, Error, ErrorKind, Key, Listed, Meta, PutMode, PutResult, Reading, Upload,
};
use tempfile::SpooledTempFile;
use ureq::{
    Body, SendBody,
    http::{Method, Response, StatusCode},
};

use super::Client;
use crate::wire::MODIFIED;

/// A backend over an agent's HTTP interface. The agent verifies each object before it stores it, and removes none.
#[derive(Clone)]
pub struct RemoteBackend(Client);

/// The size above which an upload is buffered on disk, in bytes.
const IN_MEMORY: usize = 4 << 20;

impl fmt::Debug for RemoteBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RemoteBackend").field(&self.0.url).finish()
    }
}

impl RemoteBackend {
    pub(super) fn new(client: Client) -> Self {
        Self(client)
    }

    /// Sends a request for an object; returns `None` if there is no such object.
    fn send(
        &self,
        doing: &'static str,
        method: Method,
        key: &Key,
        headers: &[(&str, &str)],
    ) -> Result<Option<Response<Body>>, Error> {
        let path = format!("v1/objects/{key}");
        let answer = self.0.send(method, &path, headers, SendBody::none());
        let answer = answer.map_err(|error| failed(doing, key.as_str(), error))?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => Ok(Some(answer)),
            _ => Err(failed(doing, key.as_str(), self.0.refused(answer))),
        }
    }
}

impl Backend for RemoteBackend {
    fn location(&self) -> String {
        format!("RemoteBackend({:?})", self.0.url)
    }

    fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Reading>, Error> {
        let range =
            range.map(|range| format!("bytes={}-{}", range.start, range.end.saturating_sub(1)));
        let headers: Vec<(&str, &str)> =
            range.iter().map(|range| ("range", range.as_str())).collect();
        let Some(answer) = self.send("read", Method::GET, key, &headers)? else { return Ok(None) };
        let size = number(&answer, "content-length").unwrap_or_default();
        let body = answer.into_body().into_with_config().limit(size).reader();
        Ok(Some(Reading { size, body: Box::new(body) }))
    }

    fn write(&self) -> Result<Box<dyn Upload + '_>, Error> {
        Ok(Box::new(RemoteUpload {
            backend: self,
            spool: SpooledTempFile::new(IN_MEMORY),
            size: 0,
        }))
    }

    fn head(&self, key: &Key) -> Result<Option<Meta>, Error> {
        let answer = self.send("look at", Method::HEAD, key, &[])?;
        Ok(answer.map(|answer| Meta {
            size: number(&answer, "content-length").unwrap_or_default(),
            modified: number(&answer, MODIFIED).unwrap_or_default(),
        }))
    }

    fn missing(&self, keys: &[Key]) -> Result<Vec<Key>, Error> {
        let names: Vec<&str> = keys.iter().map(Key::as_str).collect();
        let missing: Vec<String> = self
            .0
            .post("v1/missing", &names)
            .map_err(|error| failed("look at", "objects", error))?;
        let missing = missing.iter().map(|key| key.parse());
        missing.collect::<Result<_, _>>().map_err(|error| malformed(&error))
    }

    fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Listed>, Error> {
        let after = after.map_or_else(String::new, |after| format!("&after={after}"));
        let path = format!("v1/list?prefix={prefix}{after}&limit={limit}");
        let listed = self.0.get(&path).and_then(|answer| self.0.json(answer));
        let listed: Vec<(String, u64, u64)> =
            listed.map_err(|error| failed("list", prefix, error))?;
        let listed = listed.into_iter().map(|(key, size, modified)| {
            Ok(Listed {
                key: key.parse().map_err(|error| malformed(&error))?,
                meta: Meta { size, modified },
            })
        });
        listed.collect()
    }

    fn remove(&self, key: &Key) -> Result<(), Error> {
        let reason = "an agent removes nothing: name the store itself";
        Err(ErrorKind::Unacceptable { key: key.to_string(), reason: reason.to_owned() }.into())
    }

    fn now(&self) -> Result<u64, Error> {
        let now = self.0.get("v1/now").and_then(|answer| self.0.json(answer));
        now.map_err(|error| failed("read", "clock", error))
    }
}

struct RemoteUpload<'a> {
    backend: &'a RemoteBackend,
    spool: SpooledTempFile,
    size: u64,
}

impl Write for RemoteUpload<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = self.spool.write(bytes)?;
        self.size += length as u64;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Upload for RemoteUpload<'_> {
    fn finish(mut self: Box<Self>, key: &Key, mode: PutMode) -> Result<PutResult, Error> {
        let spooled = |source: io::Error| failed("write", key.as_str(), source);
        self.spool.rewind().map_err(spooled)?;
        let size = self.size.to_string();
        let mut headers = vec![("content-length", size.as_str())];
        if mode == PutMode::Create {
            headers.push(("if-none-match", "*"));
        }
        let (client, path) = (&self.backend.0, format!("v1/objects/{key}"));
        let body = SendBody::from_reader(&mut self.spool);
        let answer = client.send(Method::PUT, &path, &headers, body);
        let answer = answer.map_err(|error| failed("write", key.as_str(), error))?;
        match answer.status() {
            StatusCode::PRECONDITION_FAILED => Ok(PutResult::AlreadyExists),
            status if status.is_success() => Ok(PutResult::Written),
            _ => Err(failed("write", key.as_str(), client.refused(answer))),
        }
    }
}

fn number(answer: &Response<Body>, name: &str) -> Option<u64> {
    answer.headers().get(name)?.to_str().ok()?.parse().ok()
}

fn failed(
    doing: &'static str,
    key: &str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    let (key, source) = (key.to_owned(), source.into());
    ErrorKind::Backend { doing, key, source, is_retryable: false }.into()
}

fn malformed(error: &dyn fmt::Display) -> Error {
    let (key, reason) = ("a key".to_owned(), error.to_string());
    ErrorKind::Malformed { key, reason }.into()
}
