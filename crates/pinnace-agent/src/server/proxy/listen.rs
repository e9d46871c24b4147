//! Listeners, and the connections that they accept.

use std::{
    convert::Infallible, future::Future, net::SocketAddr, pin::Pin, pin::pin, sync::Arc,
    time::Duration,
};

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
    Origin, forward,
    tcp::{self, Protocol},
};
use crate::server::{body::Body, service::Service};

/// An answer on its way.
pub(crate) type Answering = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;
/// A function that answers the requests of a listener.
pub(crate) type RequestHandler =
    Arc<dyn Fn(Request<Incoming>, SocketAddr) -> Answering + Send + Sync>;

/// The handler of a listener's connections.
#[derive(Clone)]
pub(crate) enum Handler {
    /// HTTP for the agent itself and for the services with a host or path route.
    Agent(RequestHandler),
    /// Any protocol for one service.
    Service(Arc<Service>),
    /// A protocol other than HTTP for one service.
    Bytes(Arc<Service>),
}

/// The time limit for the headers of a request.
const HEADERS: Duration = Duration::from_secs(30);
/// The pause after a failed accept, in which other connections may release their files.
const PAUSE: Duration = Duration::from_millis(50);
/// The limit of concurrent streams of an HTTP/2 connection.
const STREAMS: u32 = 1024;

/// Accepts connections until the agent stops.
pub(crate) async fn listen(
    listener: TcpListener,
    handler: Handler,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    drop(tokio::spawn(serve(stream, peer, handler.clone(), stop.clone())));
                }
                Err(_) => sleep(PAUSE).await,
            },
            () = stopped(&mut stop) => return,
        }
    }
}

/// Waits until the agent stops.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    handler: Handler,
    mut stop: watch::Receiver<bool>,
) {
    let _ = stream.set_nodelay(true);
    let answer = match handler {
        Handler::Agent(answer) => answer,
        Handler::Bytes(service) => return tcp::carry(&service.gate, stream).await,
        Handler::Service(service) => {
            let protocol = tokio::select! {
                protocol = tcp::detect_on(&stream) => protocol,
                () = stopped(&mut stop) => None,
            };
            match protocol {
                Some(Protocol::Other) => return tcp::carry(&service.gate, stream).await,
                Some(Protocol::Http) => forwarder(service),
                None => return,
            }
        }
    };
    serve_http(stream, peer, answer, stop).await;
}

/// Makes a function that forwards all requests to one service.
fn forwarder(service: Arc<Service>) -> RequestHandler {
    Arc::new(move |request, peer| {
        let service = Arc::clone(&service);
        Box::pin(async move {
            forward(&service.gate, request, &Origin { peer: peer.ip(), prefix: None }).await
        })
    })
}

async fn serve_http(
    stream: TcpStream,
    peer: SocketAddr,
    answer: RequestHandler,
    mut stop: watch::Receiver<bool>,
) {
    let service = service_fn(move |request| {
        let answer = answer(request, peer);
        async move { Ok::<_, Infallible>(answer.await) }
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
