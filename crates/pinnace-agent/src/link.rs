//! Connections to processes, and the HTTP clients that use them again.

use std::{
    future::Future,
    io,
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
use tokio::io::{AsyncRead, AsyncWrite};
use tower_service::Service;

use crate::{body::Body, gate::Place};

/// A connection to a process, by whatever socket.
pub(crate) struct Link(TokioIo<Pin<Box<dyn Socket>>>);

pub(crate) trait Socket: AsyncRead + AsyncWrite + Send {}

impl<S: AsyncRead + AsyncWrite + Send> Socket for S {}

/// The clients of one process: HTTP/1.1, and HTTP/2 without TLS, which is what gRPC servers speak.
#[derive(Clone, Debug)]
pub(crate) struct Clients {
    pub(crate) http1: Client<Connector, Body>,
    pub(crate) http2: Client<Connector, Body>,
}

/// Connects to one process, whatever the address of a request.
#[derive(Clone, Debug)]
pub(crate) struct Connector(Place);

/// A server closes a connection that is idle just when it is used again, if it is idle for long. None that is
/// known closes it within two seconds.
const IDLE: Duration = Duration::from_millis(1500);
const MOST_IDLE: usize = 256;

impl Clients {
    pub(crate) fn new(place: Place) -> Self {
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(MOST_IDLE)
            .set_host(false);
        let http1 = builder.build(Connector(place.clone()));
        let http2 = builder.http2_only(true).build(Connector(place));
        Self { http1, http2 }
    }
}

impl Link {
    pub(crate) fn new(socket: impl Socket + 'static) -> Self {
        Self(TokioIo::new(Box::pin(socket)))
    }

    /// The socket alone, for those who do not speak HTTP.
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
        let place = self.0.clone();
        Box::pin(async move { place.connect().await })
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
