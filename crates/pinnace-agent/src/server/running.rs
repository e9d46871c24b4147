//! The processes of a live release.

use std::time::Instant;

use super::{exit, instance::Instance, revision::Revision};

/// A release whose processes run.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) revision: Revision,
    pub(crate) instances: Vec<Instance>,
    pub(crate) since: Instant,
}

/// The end of one process of a release.
#[derive(Debug)]
pub(crate) struct Exited {
    /// The position of the process.
    pub(crate) which: usize,
    /// The name and the exit status, in words.
    pub(crate) description: String,
}

impl Running {
    /// Returns the process that serves requests.
    pub(crate) fn web(&self) -> Option<&Instance> {
        web(&self.instances)
    }
}

/// Returns the process that serves requests.
pub(crate) fn web(instances: &[Instance]) -> Option<&Instance> {
    instances.iter().find(|instance| instance.is_web())
}

/// Waits until a process of a release ends; forever if there is none.
pub(crate) async fn wait_for_exit(running: Option<&Running>) -> Exited {
    let Some(running) = running.filter(|running| !running.instances.is_empty()) else {
        return std::future::pending().await;
    };
    let exits = running.instances.iter().map(|instance| {
        Box::pin(async move {
            format!("`{}` {}", instance.name, exit::describe(instance.exited().await))
        })
    });
    let (description, which, _) = futures_util::future::select_all(exits).await;
    Exited { which, description }
}
