//! The requests at the agent's own address: its interface, and the services with a host or path route.

use std::{net::SocketAddr, sync::Arc};

use hyper::{Request, Response, body::Incoming, header::HOST};

use super::{
    api,
    body::Body,
    proxy::{Origin, RequestHandler, forward},
    route::Route,
    service::Service,
    services::Services,
    supervisors::Supervisors,
};
use crate::wire::PREFIX;

/// Returns the function that answers requests at the agent's own address.
pub(crate) fn handler(supervisors: &Arc<Supervisors>) -> RequestHandler {
    let supervisors = Arc::clone(supervisors);
    Arc::new(move |request, peer| {
        let supervisors = Arc::clone(&supervisors);
        Box::pin(async move { answer(&supervisors, request, peer).await })
    })
}

async fn answer(
    supervisors: &Arc<Supervisors>,
    mut request: Request<Incoming>,
    peer: SocketAddr,
) -> Response<Body> {
    let path = request.uri().path();
    if path == PREFIX || path.strip_prefix(PREFIX).is_some_and(|rest| rest.starts_with('/')) {
        return api::answer(supervisors, request).await;
    }
    let registry = &supervisors.services;
    let Some((service, prefix)) = route(registry, &request) else {
        return api::no_service(path);
    };
    api::hide_token(&registry.context, &mut request);
    forward(&service.gate, request, &Origin { peer: peer.ip(), prefix }).await
}

/// Returns the service of a request by the route that ranks highest, and the prefix to remove.
fn route(
    registry: &Services,
    request: &Request<Incoming>,
) -> Option<(Arc<Service>, Option<String>)> {
    let header = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let host = request.uri().host().or(header).unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let ranked = registry.context.routes.iter().filter_map(|(service, route)| {
        Some((route.rank(host, request.uri().path())?, service, route))
    });
    let (_, service, route) = ranked.max_by_key(|(rank, ..)| *rank)?;
    let prefix = match route {
        Route::Path(prefix) if !prefix.is_empty() => Some(prefix.clone()),
        _ => None,
    };
    Some((registry.get(service)?, prefix))
}
