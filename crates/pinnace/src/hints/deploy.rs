//! Exit codes and hints for errors of `pinnace-deploy`.

use pinnace_deploy::{ErrorKind as Deploy, HostError, NotLive};
use serde_json::json;

use super::{agent, build, store, wheel};
use crate::Failure;

/// Returns the failure of an error, with its exit code and its hint.
pub(super) fn failure(error: &pinnace_deploy::Error) -> Failure {
    match error.kind() {
        Deploy::Cancelled => Failure::interrupted(),
        Deploy::Build(error) => build::failure(error),
        Deploy::Store(error) => store::failure(error),
        Deploy::Wheel(error) => wheel::failure(error),
        Deploy::Host(error) => of_host(error),
        Deploy::NotLive(not_live) => of_not_live(not_live),
        Deploy::LostWheels(error) => {
            failure(error).hint("pass `--full` to resolve again and upload the missing objects")
        }
        Deploy::WouldResolve => Failure::job(
            "the live release does not have the dependencies of the project, and `--locked` forbids resolving",
        )
        .hint("drop `--locked`, or lock the project first: `pinnace lock --project . -o pylock.toml`"),
        Deploy::NoServiceName => {
            Failure::usage("the project has no name").hint("name the service with `--service`")
        }
        kind => {
            let failure = Failure::from_error(error);
            let failure = if is_usage(kind) { failure.bad_usage() } else { failure };
            match hint(kind) {
                Some(hint) => failure.hint(hint),
                None => failure,
            }
        }
    }
}

/// Returns true if the command line is at fault.
const fn is_usage(kind: &Deploy) -> bool {
    matches!(
        kind,
        Deploy::NoFolder { .. }
            | Deploy::SeveralPlatforms { .. }
            | Deploy::Ambiguous { .. }
            | Deploy::ServiceName { .. }
            | Deploy::Nothing { .. }
            | Deploy::LocalInterpreter { .. }
    )
}

fn hint(kind: &Deploy) -> Option<String> {
    let hint = match kind {
        Deploy::HostLacksVariables { remedy, .. } => return Some(remedy.clone()),
        Deploy::NoGeneration { service, .. } => {
            return Some(format!("list all generations with `pinnace releases {service}`"));
        }
        Deploy::ServiceName { .. } => "use letters, digits and `._-`, as in `shop`",
        Deploy::Nothing { .. } => "pass the folder of the project",
        Deploy::LocalInterpreter { .. } => "pass a version, as in `--python 3.12`",
        Deploy::HostMisfit { .. } => "drop `--platform` to build for the platform of the agent",
        Deploy::Superseded { newest: Some(_), .. } => "deploy again",
        Deploy::NoRelease { .. } | Deploy::NoService { .. } => {
            "list all services with `pinnace releases`"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// Returns the failure of a host, which is an agent.
fn of_host(error: &HostError) -> Failure {
    match error.downcast_ref::<pinnace_agent::Error>() {
        Some(error) => agent::failure(error),
        None => Failure::job(error.to_string()),
    }
}

fn of_not_live(not_live: &NotLive) -> Failure {
    let NotLive { service, generation, host, live, attempt, .. } = not_live;
    let failure = Failure::job(not_live.to_string()).with_json(json!({
        "service": service, "generation": generation, "live": false, "log": attempt.log,
    }));
    if !matches!(attempt.outcome, pinnace_deploy::RolloutOutcome::Failed { .. }) {
        return failure;
    }
    let before = live.map_or_else(String::new, |live| format!("generation {live} is still live; "));
    failure.hint(format!("{before}see more with `pinnace logs {service} --agent {host}`"))
}
