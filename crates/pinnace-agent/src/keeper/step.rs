//! What is wanted of a service, as the store has it.

use std::{sync::Arc, time::Duration};

use pinnace_deploy::Service;
use pinnace_store::{Deployment, Digest};
use tokio::{sync::mpsc, time::timeout};

use crate::{
    inner::Inner,
    kept::{Kept, Order},
};

/// A store that takes longer is asked again later.
const PATIENCE: Duration = Duration::from_secs(20);

/// The newest step of a service; `None` if it cannot be told, which is tried again by itself.
pub(super) async fn newest(inner: &Arc<Inner>, kept: &Arc<Kept>) -> Option<Deployment> {
    let (inner, kept) = (Arc::clone(inner), Arc::clone(kept));
    let newest = tokio::task::spawn_blocking(move || {
        Service::new(&inner.store, &inner.machine, &kept.wanted).newest()
    });
    timeout(PATIENCE, newest).await.ok()?.ok()?.ok().flatten()
}

/// What a step is known by, of whatever store it is.
pub(super) fn mark(step: &Deployment) -> Option<String> {
    Some(Digest::of(step.to_bytes().ok()?).to_hex())
}

/// Waits until another step is wanted than the one that is being tried. Other orders wait until that is over.
pub(super) async fn newer(
    inner: &Arc<Inner>,
    kept: &Arc<Kept>,
    orders: &mut mpsc::UnboundedReceiver<Order>,
    tried: Option<String>,
) {
    while let Some(order) = orders.recv().await {
        match order {
            Order::Look => {
                if newest(inner, kept).await.is_some_and(|step| mark(&step) != tried) {
                    return;
                }
            }
            Order::Restart(answer) => {
                let busy = "a release is being started; when it is live, or has failed, or another one is deployed, this can be done";
                let _ = answer.send(Err(busy.to_owned()));
            }
        }
    }
    // Nobody orders anything any more: the agent stops.
    std::future::pending().await
}
