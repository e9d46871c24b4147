//! Connections to processes, and the HTTP clients that pool them.

use std::{
    future::Future,
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::{
    Uri,
    rt::{Read, ReadBufCursor, Write},
};
use hyper_util::{
    client::legacy::{
        Client,
        connect::{Connected, Connection},
    },
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use pinnace_deploy::Endpoint;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};
use tower_service::Service;

use super::body::Body;

/// The address of a process on this machine.
#[derive(Clone, Debug)]
pub(crate) enum ProcessAddress {
    Port(SocketAddr),
    Socket(PathBuf),
}

/// A connection to a process, over TCP or a Unix socket.
pub(crate) struct Link(TokioIo<Pin<Box<dyn Socket>>>);

pub(crate) trait Socket: AsyncRead + AsyncWrite + Send {}

impl<S: AsyncRead + AsyncWrite + Send> Socket for S {}

/// The HTTP clients of one process: HTTP/1.1, and HTTP/2 without TLS for gRPC servers.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    pub(crate) http1: Client<Connector, Body>,
    pub(crate) http2: Client<Connector, Body>,
}

/// A connector that leads to one process and ignores the URI of a request.
#[derive(Clone, Debug)]
pub(crate) struct Connector(ProcessAddress);

/// The time after which the pool closes an idle connection. A server may close one just when it is used again; no known
/// server does so within two seconds.
const IDLE: Duration = Duration::from_millis(1500);
const MOST_IDLE: usize = 256;

impl ProcessAddress {
    /// Returns the address of a process with this endpoint and command: its socket if the command names one.
    pub(crate) fn of(endpoint: &Endpoint, argv: &[String]) -> Self {
        let socket = endpoint.socket.as_ref();
        match socket.filter(|_| argv.iter().any(|word| word.contains("{socket}"))) {
            Some(path) => Self::Socket(path.clone()),
            None => Self::Port(SocketAddr::from((Ipv4Addr::LOCALHOST, endpoint.port))),
        }
    }

    /// Connects to the process.
    pub(crate) async fn connect(&self) -> io::Result<Link> {
        match self {
            Self::Port(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Ok(Link::new(stream))
            }
            Self::Socket(path) => Ok(Link::new(UnixStream::connect(path).await?)),
        }
    }
}

impl Clients {
    pub(crate) fn new(address: &ProcessAddress) -> Self {
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MOST_IDLE)
            .set_host(false);
        let http1 = builder.build(Connector(address.clone()));
        let http2 = builder.http2_only(true).build(Connector(address.clone()));
        Self { http1, http2 }
    }
}

impl Link {
    fn new(socket: impl Socket + 'static) -> Self {
        Self(TokioIo::new(Box::pin(socket)))
    }

    /// Returns the bare socket, for protocols other than HTTP.
    pub(crate) fn into_socket(self) -> Pin<Box<dyn Socket>> {
        self.0.into_inner()
    }
}

impl Service<Uri> for Connector {
    type Response = Link;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Link>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let address = self.0.clone();
        Box::pin(async move { address.connect().await })
    }
}

impl Connection for Link {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Link {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl Write for Link {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(ready!(Pin::new(&mut self.0).poll_write(context, bytes)))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, pieces)
    }
}
