//! The processes of a service, as they are shown, removed and drained.

use std::time::Duration;

use tokio::{
    task::JoinSet,
    time::{Instant, timeout_at},
};

use crate::{
    ProcessStatus, State,
    server::{
        instance::Instance,
        log::AGENT,
        running::{Exited, Running},
        service::Service,
    },
};

/// Removes a process that has exited. If it is the web process, the others are ended too, and requests wait for the next
/// launch.
pub(super) fn remove_exited(
    service: &Service,
    running: &mut Option<Running>,
    retiring: &mut JoinSet<()>,
    exited: &Exited,
) {
    service.log.write(AGENT, &exited.description);
    let Some(mut old) = running.take() else { return };
    if old.instances.get(exited.which).is_some_and(|instance| !instance.is_web()) {
        retire(retiring, vec![old.instances.remove(exited.which)]);
        show(service, &old);
        *running = Some(old);
        return;
    }
    service.gate.swap(None);
    service.gate.expect();
    retire(retiring, old.instances);
    service.change(|snapshot| {
        snapshot.state = State::Restarting;
        snapshot.processes = Vec::new();
    });
}

/// Drains processes, and ends them.
pub(super) fn retire(retiring: &mut JoinSet<()>, instances: Vec<Instance>) {
    retiring.spawn(async move {
        let endings = instances.iter().map(|instance| async move {
            let until = Instant::now() + Duration::from_secs(instance.process.drain.seconds());
            let _ = timeout_at(until, instance.upstream.drained()).await;
            instance.end(until).await;
        });
        futures_util::future::join_all(endings).await;
    });
}

/// Shows the processes that run.
pub(super) fn show(service: &Service, running: &Running) {
    let instances = running.instances.iter();
    let processes = instances
        .map(|instance| ProcessStatus { name: instance.name.clone(), id: instance.id() })
        .collect();
    let revision = running.revision;
    service.change(|snapshot| {
        snapshot.state = State::Live;
        (snapshot.generation, snapshot.release) =
            (Some(revision.generation), Some(revision.release));
        snapshot.processes = processes;
    });
}
