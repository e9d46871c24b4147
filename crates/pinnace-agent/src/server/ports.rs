//! The ports and addresses of services.

use std::{io, net::SocketAddr, sync::Arc};

use tokio::net::TcpListener;

use super::{
    context::Context,
    proxy::{Handler, listen},
    route::Route,
    service::Service,
};

/// The queue of connections that are not accepted yet.
const BACKLOG: u32 = 4096;

/// Opens the ports of a service, all of them or none. A service without a route gets a port of its own.
pub(crate) fn open(context: &Context, service: &Arc<Service>) {
    let own = Route::Port(service.dir.port().unwrap_or_default());
    let routes = if service.routes.is_empty() { vec![own] } else { service.routes.clone() };
    let (mut addresses, mut listeners) = (Vec::new(), Vec::new());
    for route in &routes {
        match bind_route(context, route, service) {
            Ok((address, listener)) => {
                addresses.push(address);
                listeners.extend(listener);
            }
            Err(error) => {
                let reason = format!("cannot listen on the route `{route}`: {error}");
                return service.set_address(Err(reason));
            }
        }
    }
    for (listener, handler) in listeners {
        tokio::spawn(listen(listener, handler, context.stop.subscribe()));
    }
    service.set_address(Ok(addresses.into_iter().next()));
}

/// Opens the ports of a service again if they could not be opened before.
///
/// # Errors
///
/// Returns the reason if they still cannot.
pub(crate) fn ensure_open(context: &Context, service: &Arc<Service>) -> Result<(), String> {
    if service.check_address().is_err() {
        open(context, service);
    }
    service.check_address()
}

/// Listens on an address, even if another socket has used it a moment ago.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => tokio::net::TcpSocket::new_v4()?,
        SocketAddr::V6(_) => tokio::net::TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Returns the address of a route, and its listener if the route is a port of the service's own.
fn bind_route(
    context: &Context,
    route: &Route,
    service: &Arc<Service>,
) -> io::Result<(String, Option<(TcpListener, Handler)>)> {
    let (scheme, port, handler) = match route {
        Route::Host(name) => {
            return Ok((format!("http://{name}:{}", context.address.port()), None));
        }
        Route::Path(prefix) => {
            let shown = context.shown_address(context.address.port());
            return Ok((format!("http://{shown}{prefix}/"), None));
        }
        Route::Port(port) => ("http", *port, Handler::Service(Arc::clone(service))),
        Route::Tcp(port) => ("tcp", *port, Handler::Bytes(Arc::clone(service))),
    };
    let bind = |port| bind(SocketAddr::new(context.address.ip(), port));
    let is_default = service.routes.is_empty();
    // A port that no configuration names may be another one.
    let listener = match bind(port) {
        Err(_) if is_default => bind(0)?,
        bound => bound?,
    };
    let port = listener.local_addr()?.port();
    if is_default && service.dir.port() != Some(port) {
        let _ = service.dir.save_port(port);
    }
    Ok((format!("{scheme}://{}", context.shown_address(port)), Some((listener, handler))))
}
