//! The supervisors of an agent: one task for each service.

use std::sync::{Arc, Mutex, PoisonError};

use pinnace_store::RefName;
use tokio::task::JoinHandle;

use super::{
    ports,
    service::{Command, Service},
    services::Services,
    supervisor::Supervisor,
};

/// The services of an agent with the tasks that supervise them.
#[derive(Debug)]
pub(crate) struct Supervisors {
    pub(crate) services: Arc<Services>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Supervisors {
    pub(crate) fn new(services: Arc<Services>) -> Self {
        Self { services, tasks: Mutex::default() }
    }

    /// Returns a service, and supervises it from now on.
    ///
    /// # Errors
    ///
    /// Returns the reason if the name is malformed or the folder of the service cannot be used.
    pub(crate) fn supervise(&self, name: &str) -> Result<Arc<Service>, String> {
        if let Some(service) = self.services.get(name) {
            return Ok(service);
        }
        let wanted = RefName::wanted(name);
        let wanted = wanted.map_err(|_| format!("`{name}` is no name of a service"))?;
        let context = &self.services.context;
        let (service, commands) =
            Service::new(context, wanted, name).map_err(|error| error.to_string())?;
        let service = Arc::new(service);
        if let Some(existing) = self.services.insert(&service) {
            return Ok(existing);
        }
        ports::open(context, &service);
        let supervisor =
            Supervisor::new(Arc::clone(&self.services), Arc::clone(&service), commands);
        let task = tokio::spawn(supervisor.run());
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(task);
        Ok(service)
    }

    /// Makes the supervisor of a service check for a new deployment.
    ///
    /// # Errors
    ///
    /// Returns the reason if the service cannot be supervised.
    pub(crate) fn check(&self, name: &str) -> Result<Arc<Service>, String> {
        let service = self.supervise(name)?;
        service.send(Command::Check);
        Ok(service)
    }

    /// Takes the tasks, to wait for their end.
    pub(crate) fn take_tasks(&self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
