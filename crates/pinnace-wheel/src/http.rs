//! The network adapter: reqwest on a runtime of its own, on a thread of its own.

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

/// [`Fetch`] over HTTP/1.1 and HTTP/2 with TLS.
///
/// Nothing starts before the first request: a build that finds all in its cache pays nothing for
/// it.
#[derive(Debug)]
pub struct HttpFetch {
    options: HttpOptions,
    jobs: OnceLock<Result<mpsc::UnboundedSender<Job>, String>>,
}

/// How [`HttpFetch`] connects.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct HttpOptions {
    /// Who asks, as the `User-Agent` header says it.
    pub user_agent: String,
    /// Certificates to trust beside those of the system (PEM).
    pub certificates: Option<Vec<u8>>,
    /// The proxy for `http` addresses.
    pub http_proxy: Option<String>,
    /// The proxy for `https` addresses.
    pub https_proxy: Option<String>,
    /// The hosts that are reached without a proxy, as `NO_PROXY` lists them.
    pub no_proxy: Option<String>,
    /// How long connecting may take, if not 15 seconds.
    pub connect_timeout: Option<Duration>,
}

/// Proxies may hold credentials, so they are not shown.
impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions").field("user_agent", &self.user_agent).finish_non_exhaustive()
    }
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Between two pieces of an answer, however long it is altogether.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long an answer may be slower than [`SLOWEST`], in bytes per second.
const PATIENCE: Duration = Duration::from_secs(60);
const SLOWEST: u64 = 1_000;
/// Bytes of one body that may be under way; pages of indexes have up to a few megabytes.
const WINDOW: u32 = 1 << 20;
/// Pieces of a body on their way to a reader: enough to keep the line busy while one is written.
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
    /// A client with these options.
    pub fn new(options: HttpOptions) -> Self {
        Self { options, jobs: OnceLock::new() }
    }

    /// Breaks off all that is under way; what waits for an answer fails at once.
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
                // The builder moves credentials from the URL into a header.
                tokio::spawn(get(client.get(*url).headers(headers), answer));
            }
        });
        // Dropping the runtime drops every request under way, and with it their senders.
    })?;
    Ok(jobs)
}

fn client(options: &HttpOptions) -> Result<Client, BoxError> {
    // Another part of the program may have installed one already, which is as good.
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
        // A compressed answer would have other offsets.
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
        // A weak tag says that the meaning is the same, not the bytes.
        entity_tag: text(header::ETAG).filter(|tag| !tag.starts_with("W/")),
        retry_after: text(header::RETRY_AFTER).and_then(|seconds| seconds.parse().ok()),
    };
    // A reader that has gone away wants no more.
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

/// A server that sends a byte now and then is as good as silent.
fn is_too_slow(received: u64, elapsed: Duration) -> bool {
    elapsed >= PATIENCE && received < SLOWEST * elapsed.as_secs()
}

/// The whole chain of causes: the first link is mostly just `error sending request`.
fn explain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}

/// A body that comes in pieces from the runtime's thread.
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
