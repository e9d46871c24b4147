//! Conversion of library errors to failures, with their exit codes and hints.

mod agent;
mod build;
mod deploy;
mod store;
mod wheel;

use crate::Failure;

impl From<pinnace_wheel::Error> for Failure {
    fn from(error: pinnace_wheel::Error) -> Self {
        wheel::failure(&error)
    }
}

impl From<pinnace_pex::Error> for Failure {
    fn from(error: pinnace_pex::Error) -> Self {
        Self::from_error(&error)
    }
}

impl From<pinnace_store::Error> for Failure {
    fn from(error: pinnace_store::Error) -> Self {
        store::failure(&error)
    }
}

impl From<pinnace_build::Error> for Failure {
    fn from(error: pinnace_build::Error) -> Self {
        build::failure(&error)
    }
}

impl From<pinnace_deploy::Error> for Failure {
    fn from(error: pinnace_deploy::Error) -> Self {
        deploy::failure(&error)
    }
}

impl From<pinnace_agent::Error> for Failure {
    fn from(error: pinnace_agent::Error) -> Self {
        agent::failure(&error)
    }
}
