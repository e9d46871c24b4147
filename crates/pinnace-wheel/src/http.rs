//! The HTTP client: reqwest on its own runtime, in its own thread.

use std::{
    fmt,
    io::{self, Read},
    sync::OnceLock,
    time::{Duration, Instant},
};

use reqwest::{
    Certificate, Client, NoProxy, Proxy, RequestBuilder, Url,
    header::{self, HeaderMap, HeaderValue},
};
use tokio::sync::mpsc;

use crate::{Address, Fetch, FetchError, GetRequest, Response, fetch::Outlook};

/// A [`Fetch`] over HTTP/1.1 and HTTP/2 with TLS.
///
/// The client starts nothing before the first request: a build that finds everything in its cache
/// pays nothing for it.
#[derive(Debug)]
pub struct HttpFetch {
    options: HttpOptions,
    jobs: OnceLock<Result<mpsc::UnboundedSender<Job>, String>>,
}

/// The options of [`HttpFetch`].
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct HttpOptions {
    /// The value of the `User-Agent` header.
    pub user_agent: String,
    /// Certificates (PEM) to trust in addition to those of the system.
    pub certificates: Option<Vec<u8>>,
    /// The proxy for `http` addresses.
    pub http_proxy: Option<String>,
    /// The proxy for `https` addresses.
    pub https_proxy: Option<String>,
    /// The hosts that are reached without a proxy, in the format of `NO_PROXY`.
    pub no_proxy: Option<String>,
    /// The timeout for connecting. 15 seconds by default.
    pub connect_timeout: Option<Duration>,
}

/// Leaves out the proxies, which may hold credentials.
impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions").field("user_agent", &self.user_agent).finish_non_exhaustive()
    }
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// The timeout between two pieces of a response. The whole response may take longer.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// The time after which a response must have reached the average rate of [`SLOWEST`].
const PATIENCE: Duration = Duration::from_secs(60);
/// The minimum average rate of a response, in bytes per second.
const SLOWEST: u64 = 1_000;
/// The flow control window of one body, in bytes. Pages of indexes have up to a few megabytes.
const WINDOW: u32 = 1 << 20;
/// The number of pieces of a body that may wait for the reader: enough to keep the connection busy
/// while one is written.
const PIECES: usize = 16;

enum Job {
    GetRequest { url: Box<Url>, headers: HeaderMap, answer: mpsc::Sender<Answer> },
    Stop,
}

enum Answer {
    Head {
        status: u16,
        url: String,
        content_type: String,
        content_length: Option<u64>,
        content_range: Option<String>,
        entity_tag: Option<String>,
        retry_after: Option<u64>,
    },
    Piece(Vec<u8>),
    End,
    Failed(String, Outlook),
}

impl HttpFetch {
    /// Creates a client with these options.
    pub fn new(options: HttpOptions) -> Self {
        Self { options, jobs: OnceLock::new() }
    }

    /// Aborts all requests in flight. Callers that wait for a response fail at once.
    pub fn stop(&self) {
        if let Some(Ok(jobs)) = self.jobs.get() {
            let _ = jobs.send(Job::Stop);
        }
    }

    fn jobs(&self) -> Result<&mpsc::UnboundedSender<Job>, FetchError> {
        let started = self.jobs.get_or_init(|| start(&self.options).map_err(|e| explain(&*e)));
        started.as_ref().map_err(|error| FetchError::new(error.clone()))
    }
}

impl Fetch for HttpFetch {
    fn fetch(&self, request: &GetRequest<'_>) -> Result<Response, FetchError> {
        let jobs = self.jobs()?;
        let url = Url::parse(request.address.with_credentials()).map_err(FetchError::new)?;
        let (url, headers) = (Box::new(url), headers(request)?);
        let (answer, mut answers) = mpsc::channel(PIECES);
        let stopped = || FetchError::new("stopped");
        jobs.send(Job::GetRequest { url, headers, answer }).map_err(|_| stopped())?;
        match answers.blocking_recv() {
            Some(Answer::Head {
                status,
                url,
                content_type,
                content_length,
                content_range,
                entity_tag,
                retry_after,
            }) => {
                let body = Box::new(Body { answers, piece: Vec::new(), read: 0, ended: false });
                let redirected = url != request.address.without_credentials();
                Ok(Response {
                    status,
                    redirected_to: redirected.then(|| Address::parse(&url).ok()).flatten(),
                    content_type,
                    content_length,
                    content_range,
                    entity_tag,
                    retry_after,
                    body,
                })
            }
            Some(Answer::Failed(error, Outlook::Passing)) => Err(FetchError::new(error)),
            Some(Answer::Failed(error, Outlook::Lasting)) => Err(FetchError::new(error).lasting()),
            Some(Answer::Piece(_) | Answer::End) | None => Err(stopped()),
        }
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

fn start(options: &HttpOptions) -> Result<mpsc::UnboundedSender<Job>, BoxError> {
    let client = client(options)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (jobs, mut queue) = mpsc::unbounded_channel();
    std::thread::Builder::new().name("pinnace-http".to_owned()).spawn(move || {
        runtime.block_on(async {
            while let Some(Job::GetRequest { url, headers, answer }) = queue.recv().await {
                // The request builder moves credentials from the URL into a header.
                tokio::spawn(get(client.get(*url).headers(headers), answer));
            }
        });
        // Dropping the runtime drops every request in flight, and with it their senders.
    })?;
    Ok(jobs)
}

fn client(options: &HttpOptions) -> Result<Client, BoxError> {
    // Another part of the program may have installed a provider already, which works as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(&options.user_agent)
        .connect_timeout(options.connect_timeout.unwrap_or(CONNECT_TIMEOUT))
        .read_timeout(IDLE_TIMEOUT)
        .http2_initial_stream_window_size(WINDOW)
        .http2_initial_connection_window_size(16 * WINDOW)
        .no_proxy();
    if let Some(pem) = &options.certificates {
        builder = builder.tls_certs_merge(Certificate::from_pem_bundle(pem)?);
    }
    let except = || options.no_proxy.as_deref().and_then(NoProxy::from_string);
    if let Some(proxy) = &options.http_proxy {
        builder = builder.proxy(Proxy::http(proxy)?.no_proxy(except()));
    }
    if let Some(proxy) = &options.https_proxy {
        builder = builder.proxy(Proxy::https(proxy)?.no_proxy(except()));
    }
    Ok(builder.build()?)
}

fn headers(request: &GetRequest<'_>) -> Result<HeaderMap, FetchError> {
    let value = |text: &str| HeaderValue::from_str(text).map_err(FetchError::new);
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, value(request.accept)?);
    if let Some(part) = request.part {
        // A compressed response would have other offsets.
        headers.insert(header::RANGE, value(&part.to_string())?);
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    }
    if let Some(tag) = request.if_range {
        headers.insert(header::IF_RANGE, value(tag)?);
    }
    Ok(headers)
}

async fn get(request: RequestBuilder, answer: mpsc::Sender<Answer>) {
    if let Err(error) = try_get(request, &answer).await {
        let lasting = error.is_redirect() || error.is_builder();
        let outlook = if lasting { Outlook::Lasting } else { Outlook::Passing };
        let _ = answer.send(Answer::Failed(explain(&error.without_url()), outlook)).await;
    }
}

async fn try_get(request: RequestBuilder, answer: &mpsc::Sender<Answer>) -> reqwest::Result<()> {
    let mut response = request.send().await?;
    let text = |name: header::HeaderName| {
        response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let head = Answer::Head {
        status: response.status().as_u16(),
        url: response.url().to_string(),
        content_type: text(header::CONTENT_TYPE).unwrap_or_default(),
        content_length: response.content_length(),
        content_range: text(header::CONTENT_RANGE),
        // A weak tag promises equal meaning, not equal bytes.
        entity_tag: text(header::ETAG).filter(|tag| !tag.starts_with("W/")),
        retry_after: text(header::RETRY_AFTER).and_then(|seconds| seconds.parse().ok()),
    };
    // The send fails if the reader is gone and needs no more.
    if answer.send(head).await.is_err() {
        return Ok(());
    }
    let started = Instant::now();
    let mut received = 0;
    while let Some(piece) = response.chunk().await? {
        received += piece.len() as u64;
        if is_too_slow(received, started.elapsed()) {
            let reason = format!("{received} bytes came in {} s", started.elapsed().as_secs());
            let _ = answer.send(Answer::Failed(reason, Outlook::Passing)).await;
            return Ok(());
        }
        if answer.send(Answer::Piece(piece.into())).await.is_err() {
            return Ok(());
        }
    }
    let _ = answer.send(Answer::End).await;
    Ok(())
}

/// Returns true if the average rate is too low. A server that sends a byte now and then counts as silent.
fn is_too_slow(received: u64, elapsed: Duration) -> bool {
    elapsed >= PATIENCE && received < SLOWEST * elapsed.as_secs()
}

/// Formats the whole chain of causes. The first error is mostly just `error sending request`.
fn explain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

/// A response body, whose pieces arrive from the thread of the runtime.
struct Body {
    answers: mpsc::Receiver<Answer>,
    piece: Vec<u8>,
    read: usize,
    ended: bool,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.read == self.piece.len() && !self.ended {
            self.read = 0;
            match self.answers.blocking_recv() {
                Some(Answer::Piece(piece)) => self.piece = piece,
                Some(Answer::End) => (self.ended, self.piece) = (true, Vec::new()),
                Some(Answer::Failed(error, _)) => return Err(io::Error::other(error)),
                Some(Answer::Head { .. }) | None => return Err(io::Error::other("stopped")),
            }
        }
        let n = buffer.len().min(self.piece.len() - self.read);
        buffer[..n].copy_from_slice(&self.piece[self.read..self.read + n]);
        self.read += n;
        Ok(n)
    }
}
