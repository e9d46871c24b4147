//! S3 object storage, through the `object_store` crate. Its signing, its retries with growing and
//! random pauses, and its verification of server responses are used as they are.

mod connection;
mod driver;
mod pieces;
mod upload;

use std::{fmt, io, ops::Range, sync::Arc, time::Duration};

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::{
    Error as S3Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt,
    list::{PaginatedListOptions, PaginatedListStore},
    path::Path,
};

use super::{Backend, Listed, Meta, PutMode, Reading, Upload};
use crate::{Error, Key};

use connection::{Connection, failed, meta_of};
use pieces::PIECE;
use upload::S3Upload;

/// A bucket, or a folder of one, on a server that speaks S3.
///
/// The configuration is that of the AWS tools: the variables `AWS_ACCESS_KEY_ID`,
/// `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION` or `AWS_DEFAULT_REGION`, and
/// `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL` for servers other than Amazon's. A thread of its own
/// drives the network.
pub struct S3Backend {
    connection: Connection,
    url: String,
}

/// Number of concurrent requests that transfer no data.
const QUESTIONS: usize = 32;
/// The time for which a request is retried.
const RETRY_TIMEOUT: Duration = Duration::from_secs(60);

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
        let connection = Connection::open(url, variables, patience)?;
        Ok(Self { connection, url: url.to_owned() })
    }
}

impl fmt::Debug for S3Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl Backend for S3Backend {
    /// Returns the URL. Credentials come from variables and are no part of it.
    fn location(&self) -> String {
        self.url.clone()
    }

    fn read(&self, key: &Key, range: Option<Range<u64>>) -> Result<Option<Reading>, Error> {
        if range.as_ref().is_some_and(Range::is_empty) {
            let there = self.head(key)?;
            return Ok(there.map(|_| Reading { size: 0, body: Box::new(io::empty()) }));
        }
        let (client, path) = (Arc::clone(&self.connection.client), self.connection.path(key));
        let options =
            GetOptions { range: range.clone().map(GetRange::Bounded), ..GetOptions::default() };
        let got = self.connection.driver.run(async move {
            let got = client.get_opts(&path, options).await?;
            let size = got.range.end - got.range.start;
            let is_large = size > 2 * PIECE;
            Ok((size, if is_large { None } else { Some(got.bytes().await?) }))
        });
        match got {
            Ok((size, Some(bytes))) => {
                Ok(Some(Reading { size, body: Box::new(io::Cursor::new(bytes)) }))
            }
            Ok((size, None)) if range.is_none() => {
                Ok(Some(pieces::read(&self.connection, key, size)))
            }
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
        Ok(Box::new(S3Upload::new(&self.connection)))
    }

    fn head(&self, key: &Key) -> Result<Option<Meta>, Error> {
        self.connection.head(key)
    }

    fn missing(&self, keys: &[Key]) -> Result<Vec<Key>, Error> {
        let client = Arc::clone(&self.connection.client);
        let paths: Vec<(Key, Path)> =
            keys.iter().map(|key| (key.clone(), self.connection.path(key))).collect();
        self.connection.driver.run(async move {
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
        let (client, folder) =
            (Arc::clone(&self.connection.client), format!("{}{folder}", self.connection.prefix));
        let mut offset = after.map(|after| format!("{}{after}", self.connection.prefix));
        let own = self.connection.prefix.clone();
        let name =
            Key::of(if prefix.is_empty() { "everything".to_owned() } else { prefix.to_owned() });
        self.connection.driver.run(async move {
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
        let (client, path) = (Arc::clone(&self.connection.client), self.connection.path(key));
        match self.connection.driver.run(async move { client.delete(&path).await }) {
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

fn too_large(size: u64) -> S3Error {
    let source = format!("a range of {size} bytes is too large").into();
    S3Error::Generic { store: "S3", source }
}
