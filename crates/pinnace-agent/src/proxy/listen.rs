//! Connections as they come.

use std::{convert::Infallible, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use hyper::{Request, Response, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::sleep,
};

use super::{
    Via, forward,
    tcp::{self, Speech},
};
use crate::{body::Body, inner::Inner, kept::Kept};

/// Who is behind a listening address.
#[derive(Clone)]
pub(crate) enum Front {
    /// The agent itself, and the services that have a name or a path there.
    All(Arc<Inner>),
    /// One service, whatever is spoken.
    One(Arc<Kept>),
    /// One service that does not speak HTTP.
    Bytes(Arc<Kept>),
}

/// How long the headers of a request may take.
const HEADERS: Duration = Duration::from_secs(30);
/// After a failure to take a connection (no more open files), others may have ended.
const PAUSE: Duration = Duration::from_millis(50);
/// Streams of one HTTP/2 connection at once.
const STREAMS: u32 = 1024;

/// Takes connections until it is told to stop.
pub(crate) async fn listen(listener: TcpListener, front: Front, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            taken = listener.accept() => match taken {
                Ok((stream, peer)) => drop(tokio::spawn(serve(stream, peer, front.clone(), stop.clone()))),
                Err(_) => sleep(PAUSE).await,
            },
            () = stopped(&mut stop) => return,
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, front: Front, stop: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    match &front {
        Front::Bytes(kept) => return tcp::carry(&kept.gate, stream).await,
        Front::One(kept) => match first(&stream, stop.clone()).await {
            Some(Speech::Other) => return tcp::carry(&kept.gate, stream).await,
            Some(Speech::Http) => {}
            None => return,
        },
        Front::All(_) => {}
    }
    http(stream, peer, front, stop).await;
}

/// What a connection begins with, as long as the agent works.
async fn first(stream: &TcpStream, mut stop: watch::Receiver<bool>) -> Option<Speech> {
    tokio::select! {
        speech = tcp::listen_to(stream) => speech,
        () = stopped(&mut stop) => None,
    }
}

async fn http(stream: TcpStream, peer: SocketAddr, front: Front, mut stop: watch::Receiver<bool>) {
    let service = service_fn(move |request| {
        let front = front.clone();
        async move { Ok::<_, Infallible>(answer(&front, request, peer).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(STREAMS);
    let mut connection =
        pin!(builder.serve_connection_with_upgrades(TokioIo::new(stream), service));
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stopped(&mut stop) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

/// Waits until the agent stops.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn answer(front: &Front, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
    match front {
        Front::All(inner) => inner.answer(request, peer).await,
        Front::One(kept) | Front::Bytes(kept) => {
            forward(&kept.gate, request, &Via { peer: peer.ip(), prefix: None }).await
        }
    }
}
