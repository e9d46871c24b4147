//! S3 object storage, through the `object_store` crate. Its signing, its retries with growing and
//! random pauses, and its verification of server responses are used as they are.

mod driver;
mod upload;

use std::{
    fmt,
    io::{self, Read},
    ops::Range,
    sync::Arc,
    time::Duration,
};

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{
    BackoffConfig, ClientOptions, Error as S3Error, GetOptions, GetRange, ObjectStore,
    ObjectStoreExt, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, Checksum},
    list::{PaginatedListOptions, PaginatedListStore},
    path::Path,
};

use super::{Backend, Listed, Meta, PutMode, Reading, Upload};
use crate::{Error, ErrorKind, Key};

use driver::Driver;
use upload::S3Upload;

/// A bucket, or a folder of one, on a server that speaks S3.
///
/// The configuration is that of the AWS tools: the variables `AWS_ACCESS_KEY_ID`,
/// `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION` or `AWS_DEFAULT_REGION`, and
/// `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL` for servers other than Amazon's. A thread of its own
/// drives the network.
pub struct S3Backend {
    client: Arc<AmazonS3>,
    /// The folder with a trailing `/`, or an empty text.
    prefix: String,
    place: String,
    driver: Driver,
}

/// The size of a piece: larger objects are read and written in pieces, several at once. Measured
/// with 30 ms to the server: 8 MiB are as fast as larger pieces, and four of them keep 32 MiB of
/// memory.
const PIECE: u64 = 8 << 20;
const AT_ONCE: usize = 4;
/// Number of concurrent requests that transfer no data.
const QUESTIONS: usize = 32;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest silence of a connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
/// The time for which a request is retried.
const RETRY_TIMEOUT: Duration = Duration::from_secs(60);

/// The variables that count. Other variables of object_store could lead to another bucket, or turn
/// off checks.
const VARIABLES: [&str; 7] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
];

impl S3Backend {
    /// Opens `s3://bucket/folder`. `variables` are the environment variables that configure it.
    ///
    /// # Errors
    ///
    /// Returns an error if the URL or a variable is malformed. No request is sent yet.
    pub fn open(url: &str, variables: &[(String, String)]) -> Result<Self, Error> {
        Self::with_patience(url, variables, RETRY_TIMEOUT)
    }

    /// Opens like [`Self::open`], but gives up a request after `patience` instead of a minute.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Self::open`].
    pub fn with_patience(
        url: &str,
        variables: &[(String, String)],
        patience: Duration,
    ) -> Result<Self, Error> {
        let refuse = |reason: &str| {
            // The part before an `@` may be a secret.
            let shown = url.rsplit_once('@').map_or(url, |(_, rest)| rest);
            let (key, source) = (shown.to_owned(), reason.to_owned().into());
            Error::from(ErrorKind::Backend { doing: "open", key, source, is_retryable: false })
        };
        let rest =
            url.strip_prefix("s3://").ok_or_else(|| refuse("`s3://bucket/folder` is expected"))?;
        let (bucket, folder) = rest.split_once('/').unwrap_or((rest, ""));
        let folder = folder.trim_matches('/');
        let is_name = |one: u8| one.is_ascii_alphanumeric() || b"._-".contains(&one);
        if bucket.is_empty()
            || !bucket.bytes().all(is_name)
            || !folder.is_empty() && folder.parse::<Key>().is_err()
        {
            return Err(refuse("`s3://bucket/folder` is expected, of letters, digits and `._-`"));
        }
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let driver = Driver::start().map_err(|error| refuse(&error.to_string()))?;
        let client = configured(bucket, variables, patience)
            .build()
            .map_err(|error| refuse(&error.to_string()))?;
        Ok(Self { client: Arc::new(client), prefix, place: url.to_owned(), driver })
    }

    fn path(&self, key: &Key) -> Path {
        Path::from(format!("{}{key}", self.prefix))
    }

    /// Reads a large object in pieces, in their order.
    fn pieces(&self, key: &Key, size: u64) -> Reading {
        let (client, path) = (Arc::clone(&self.client), self.path(key));
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        self.driver.handle.spawn(async move {
            let starts = (0..size).step_by(PIECE as usize);
            let pieces = stream::iter(starts).map(|start| {
                let (client, path) = (Arc::clone(&client), path.clone());
                async move { client.get_range(&path, start..(start + PIECE).min(size)).await }
            });
            let mut pieces = pieces.buffered(AT_ONCE);
            while let Some(piece) = pieces.next().await {
                if sender.send(piece.map_err(io::Error::other)).await.is_err() {
                    break;
                }
            }
        });
        Reading { size, body: Box::new(Pieces { receiver, current: Vec::new(), at: 0 }) }
    }
}

fn configured(bucket: &str, variables: &[(String, String)], patience: Duration) -> AmazonS3Builder {
    let mut builder = AmazonS3Builder::new();
    let mut is_plain = false;
    for (name, value) in variables.iter().filter(|(name, _)| VARIABLES.contains(&name.as_str())) {
        let name = match name.as_str() {
            "AWS_ENDPOINT_URL_S3" => "aws_endpoint_url".to_owned(),
            name => name.to_lowercase(),
        };
        if let Ok(key) = name.parse::<AmazonS3ConfigKey>() {
            is_plain |= name == "aws_endpoint_url" && value.starts_with("http://");
            builder = builder.with_config(key, value);
        }
    }
    let client = ClientOptions::new()
        .with_allow_http(is_plain)
        .with_connect_timeout(CONNECT_TIMEOUT.min(patience))
        .with_read_timeout(IDLE_TIMEOUT.min(patience / 3))
        .with_timeout(REQUEST_TIMEOUT.min(2 * patience));
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(10),
            base: 2.0,
        },
        // Retries are limited by time, not by number: a refused connection fails at once.
        max_retries: 1000,
        retry_timeout: patience,
    };
    builder
        .with_bucket_name(bucket)
        .with_checksum_algorithm(Checksum::SHA256)
        .with_client_options(client)
        .with_retry(retry)
}

impl fmt::Debug for S3Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)
    }
}

impl Backend for S3Backend {
    fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Reading>, Error> {
        if range.as_ref().is_some_and(Range::is_empty) {
            let there = self.head(key)?;
            return Ok(there.map(|_| Reading { size: 0, body: Box::new(io::empty()) }));
        }
        let (client, path) = (Arc::clone(&self.client), self.path(key));
        let options =
            GetOptions { range: range.clone().map(GetRange::Bounded), ..GetOptions::default() };
        let got = self.driver.run(async move {
            let got = client.get_opts(&path, options).await?;
            let size = got.range.end - got.range.start;
            match size > 2 * PIECE {
                true => Ok((size, None)),
                false => Ok((size, Some(got.bytes().await?))),
            }
        });
        match got {
            Ok((size, Some(bytes))) => {
                Ok(Some(Reading { size, body: Box::new(io::Cursor::new(bytes)) }))
            }
            Ok((size, None)) if range.is_none() => Ok(Some(self.pieces(key, size))),
            Ok((size, None)) => Err(failed("read", key, too_large(size))),
            Err(S3Error::NotFound { .. }) => Ok(None),
            // The server refuses a range that begins beyond the end.
            Err(error) => match (range, self.head(key)?) {
                (Some(range), Some(meta)) if range.start >= meta.size => {
                    Ok(Some(Reading { size: 0, body: Box::new(io::empty()) }))
                }
                _ => Err(failed("read", key, error)),
            },
        }
    }

    fn write(&self) -> Result<Box<dyn Upload + '_>, Error> {
        Ok(Box::new(S3Upload::new(self)))
    }

    fn head(&self, key: &Key) -> Result<Option<Meta>, Error> {
        let (client, path) = (Arc::clone(&self.client), self.path(key));
        match self.driver.run(async move { client.head(&path).await }) {
            Ok(meta) => Ok(Some(meta_of(&meta))),
            Err(S3Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed("look for", key, error)),
        }
    }

    fn missing(&self, keys: &[Key]) -> Result<Vec<Key>, Error> {
        let client = Arc::clone(&self.client);
        let paths: Vec<(Key, Path)> =
            keys.iter().map(|key| (key.clone(), self.path(key))).collect();
        self.driver.run(async move {
            let asked = stream::iter(paths).map(|(key, path)| {
                let client = Arc::clone(&client);
                async move {
                    match client.head(&path).await {
                        Ok(_) => Ok(None),
                        Err(S3Error::NotFound { .. }) => Ok(Some(key)),
                        Err(error) => Err(failed("look for", &key, error)),
                    }
                }
            });
            let asked: Vec<Option<Key>> = asked.buffered(QUESTIONS).try_collect().await?;
            Ok(asked.into_iter().flatten().collect())
        })
    }

    fn list(&self, prefix: &str, after: Option<&Key>, limit: usize) -> Result<Vec<Listed>, Error> {
        let folder = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        let (client, folder) = (Arc::clone(&self.client), format!("{}{folder}", self.prefix));
        let mut offset = after.map(|after| format!("{}{after}", self.prefix));
        let own = self.prefix.clone();
        let name =
            Key::of(if prefix.is_empty() { "everything".to_owned() } else { prefix.to_owned() });
        self.driver.run(async move {
            let mut listed: Vec<Listed> = Vec::new();
            loop {
                let options = PaginatedListOptions {
                    offset: offset.clone(),
                    max_keys: Some((limit - listed.len()).min(1000)),
                    ..PaginatedListOptions::default()
                };
                let page = client.list_paginated(Some(&folder), options).await;
                let page = page.map_err(|error| failed("list", &name, error))?;
                offset = page.result.objects.last().map(|last| last.location.to_string());
                let is_last = page.page_token.is_none() || page.result.objects.is_empty();
                listed.extend(page.result.objects.iter().filter_map(|object| {
                    // Foreign objects are ignored.
                    let key = object.location.as_ref().strip_prefix(&own)?.parse().ok()?;
                    Some(Listed { key, meta: meta_of(object) })
                }));
                if is_last || listed.len() >= limit {
                    return Ok(listed);
                }
            }
        })
    }

    fn remove(&self, key: &Key) -> Result<(), Error> {
        let (client, path) = (Arc::clone(&self.client), self.path(key));
        match self.driver.run(async move { client.delete(&path).await }) {
            Ok(()) | Err(S3Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(failed("remove", key, error)),
        }
    }

    /// Writes an object to learn the time: the server dates it.
    fn now(&self) -> Result<u64, Error> {
        let key = Key::of("clock".to_owned());
        self.write()?.finish(&key, PutMode::Overwrite)?;
        Ok(self.head(&key)?.map_or(0, |meta| meta.modified))
    }
}

fn meta_of(meta: &object_store::ObjectMeta) -> Meta {
    Meta { size: meta.size, modified: meta.last_modified.timestamp().try_into().unwrap_or(0) }
}

fn too_large(size: u64) -> S3Error {
    let source = format!("a range of {size} bytes is too large").into();
    S3Error::Generic { store: "S3", source }
}

/// Converts an error that occurs before its object is known.
impl From<S3Error> for Error {
    fn from(error: S3Error) -> Self {
        failed("reach", &Key::of("the server".to_owned()), error)
    }
}

fn failed(doing: &'static str, key: &Key, error: S3Error) -> Error {
    let is_retryable = matches!(error, S3Error::Generic { .. } | S3Error::JoinError { .. });
    let key = key.to_string();
    ErrorKind::Backend { doing, key, source: Box::new(error), is_retryable }.into()
}

/// A stream of pieces, in their order.
struct Pieces {
    receiver: tokio::sync::mpsc::Receiver<io::Result<bytes::Bytes>>,
    current: Vec<u8>,
    at: usize,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.current.len() {
            match self.receiver.blocking_recv() {
                None => return Ok(0),
                Some(piece) => (self.current, self.at) = (piece?.into(), 0),
            }
        }
        let count = (self.current.len() - self.at).min(buffer.len());
        buffer[..count].copy_from_slice(&self.current[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}
