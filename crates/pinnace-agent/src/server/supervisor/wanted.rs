//! The newest deployment of a service in the store.

use std::{sync::Arc, time::Duration};

use pinnace_deploy::Service as ServiceRefs;
use pinnace_store::{Deployment, Digest};
use tokio::{sync::mpsc, time::timeout};

use crate::server::{
    service::{Command, Service},
    services::Services,
};

/// The time that the store has to answer. The next check asks it again.
const PATIENCE: Duration = Duration::from_secs(20);

/// Returns the newest deployment of a service; `None` if there is none or the store does not answer.
pub(super) async fn newest(services: &Arc<Services>, service: &Arc<Service>) -> Option<Deployment> {
    let (services, service) = (Arc::clone(services), Arc::clone(service));
    let newest = tokio::task::spawn_blocking(move || {
        let context = &services.context;
        ServiceRefs::new(&context.store, &context.cache, &service.wanted).newest()
    });
    timeout(PATIENCE, newest).await.ok()?.ok()?.ok().flatten()
}

/// Returns the identity of a deployment, which is the same in any store.
pub(super) fn identity(deployment: &Deployment) -> Option<String> {
    Some(Digest::of(deployment.to_bytes().ok()?).to_hex())
}

/// Waits until the newest deployment is another than the one that is being launched. It refuses restarts meanwhile.
pub(super) async fn wait_for_newer(
    services: &Arc<Services>,
    service: &Arc<Service>,
    commands: &mut mpsc::UnboundedReceiver<Command>,
    tried: Option<String>,
) {
    const BUSY: &str = "a release is being started; when it is live, or has failed, or another one is deployed, this can be done";
    while let Some(command) = commands.recv().await {
        match command {
            Command::Check => {
                let newest = newest(services, service).await;
                if newest.is_some_and(|deployment| identity(&deployment) != tried) {
                    return;
                }
            }
            Command::Restart(answer) => drop(answer.send(Err(BUSY.to_owned()))),
        }
    }
    // The agent stops: no command comes any more.
    std::future::pending().await
}
