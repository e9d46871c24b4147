//! The connection to a server: which bucket, with which rights, for how long a request may take.

use std::{sync::Arc, time::Duration};

use object_store::{
    BackoffConfig, ClientOptions, Error as S3Error, ObjectMeta, ObjectStoreExt, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, Checksum},
    path::Path,
};

use super::driver::Driver;
use crate::{Error, ErrorKind, Key, Meta};

/// A bucket, or a folder of one, and the thread that drives its requests.
pub(super) struct Connection {
    pub(super) client: Arc<AmazonS3>,
    /// The folder with a trailing `/`, or an empty text.
    pub(super) prefix: String,
    pub(super) driver: Driver,
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// The longest silence of a connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);

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

impl Connection {
    /// Connects to `s3://bucket/folder`. No request is sent yet.
    pub(super) fn open(
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
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
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
        Ok(Self { client: Arc::new(client), prefix, driver })
    }

    /// Returns the path of an object in the bucket.
    pub(super) fn path(&self, key: &Key) -> Path {
        Path::from(format!("{}{key}", self.prefix))
    }

    /// Returns the metadata of an object, or `None` if it does not exist.
    pub(super) fn head(&self, key: &Key) -> Result<Option<Meta>, Error> {
        let (client, path) = (Arc::clone(&self.client), self.path(key));
        match self.driver.run(async move { client.head(&path).await }) {
            Ok(meta) => Ok(Some(meta_of(&meta))),
            Err(S3Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed("look for", key, error)),
        }
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

pub(super) fn meta_of(meta: &ObjectMeta) -> Meta {
    Meta { size: meta.size, modified: meta.last_modified.timestamp().try_into().unwrap_or(0) }
}

/// Converts an error that occurs before its object is known.
impl From<S3Error> for Error {
    fn from(error: S3Error) -> Self {
        failed("reach", &Key::of("the server".to_owned()), error)
    }
}

/// Creates the error for a request that failed.
pub(super) fn failed(doing: &'static str, key: &Key, error: S3Error) -> Error {
    let is_retryable = matches!(error, S3Error::Generic { .. } | S3Error::JoinError { .. });
    let key = key.to_string();
    ErrorKind::Backend { doing, key, source: Box::new(error), is_retryable }.into()
}
