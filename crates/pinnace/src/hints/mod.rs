//! The table from error kinds of the libraries to exit codes and hints of the command.

mod build;

use pinnace_agent::ErrorKind as Agent;
use pinnace_deploy::{ErrorKind as Deploy, HostError, NotLive};
use pinnace_store::ErrorKind as Store;
use pinnace_wheel::ErrorKind as Wheel;
use serde_json::json;

use self::build::of_build;
use crate::Failure;

impl From<pinnace_wheel::Error> for Failure {
    fn from(error: pinnace_wheel::Error) -> Self {
        of_wheel(&error)
    }
}

impl From<pinnace_pex::Error> for Failure {
    fn from(error: pinnace_pex::Error) -> Self {
        Self::from_error(&error)
    }
}

impl From<pinnace_store::Error> for Failure {
    fn from(error: pinnace_store::Error) -> Self {
        of_store(&error)
    }
}

impl From<pinnace_build::Error> for Failure {
    fn from(error: pinnace_build::Error) -> Self {
        of_build(&error)
    }
}

impl From<pinnace_deploy::Error> for Failure {
    fn from(error: pinnace_deploy::Error) -> Self {
        of_deploy(&error)
    }
}

impl From<pinnace_agent::Error> for Failure {
    fn from(error: pinnace_agent::Error) -> Self {
        of_agent(&error)
    }
}

fn of_wheel(error: &pinnace_wheel::Error) -> Failure {
    let failure = Failure::from_error(error);
    match error.kind() {
        Wheel::Cancelled => Failure::interrupted(),
        Wheel::Offline { .. } => failure.hint("build once without `--offline`"),
        Wheel::Transport { .. } => failure.hint(
            "check the network, the proxy variables and `--index-url`; `--offline` builds from the cache",
        ),
        Wheel::Parse { .. } => failure.bad_usage(),
        _ => failure,
    }
}

fn of_store(error: &pinnace_store::Error) -> Failure {
    let failure = Failure::from_error(error);
    match error.kind() {
        Store::Cancelled => Failure::interrupted(),
        Store::Url { .. } => {
            failure.bad_usage().hint("name a folder, `file:///folder` or `s3://bucket/folder`")
        }
        Store::NoStore { .. } => {
            failure.hint("`pinnace store put` and `pinnace deploy` make one where there is none")
        }
        _ => failure,
    }
}

fn of_deploy(error: &pinnace_deploy::Error) -> Failure {
    let failure = Failure::from_error(error);
    let hint = match error.kind() {
        Deploy::Cancelled => return Failure::interrupted(),
        Deploy::Build(error) => return of_build(error),
        Deploy::Store(error) => return of_store(error),
        Deploy::Wheel(error) => return of_wheel(error),
        Deploy::Host(error) => return of_host(error),
        Deploy::NotLive(not_live) => return of_not_live(not_live),
        Deploy::LostWheels(error) => {
            return of_deploy(error).hint("`--full` resolves anew, and puts what is missing again");
        }
        Deploy::WouldResolve => {
            return Failure::job(
                "what the project requires is not what is live, and `--locked` resolves nothing",
            )
            .hint("deploy without `--locked`, or lock: `pinnace lock --project . -o pylock.toml`");
        }
        Deploy::NoFolder { .. } | Deploy::SeveralPlatforms { .. } | Deploy::Ambiguous { .. } => {
            return failure.bad_usage();
        }
        Deploy::NoServiceName => {
            return Failure::usage("the project has no name; name the service with `--service`");
        }
        Deploy::ServiceName { .. } => {
            return failure.bad_usage().hint("use letters, digits and `._-`, as in `shop`");
        }
        Deploy::Nothing { .. } => {
            return failure.bad_usage().hint("name the folder of the project");
        }
        Deploy::LocalInterpreter { .. } => {
            return failure.bad_usage().hint("name a version, as in `--python 3.12`");
        }
        Deploy::HostLacksVariables { remedy, .. } => return failure.hint(remedy.clone()),
        Deploy::NoGeneration { service, .. } => {
            return failure.hint(format!("`pinnace releases {service}` lists them"));
        }
        Deploy::HostMisfit { .. } => "without `--platform` the release is for the agent's own",
        Deploy::Superseded { newest: Some(_), .. } => "deploy again to put yours after it",
        Deploy::NoRelease { .. } | Deploy::NoService { .. } => {
            "`pinnace releases` lists all services"
        }
        _ => return failure,
    };
    failure.hint(hint)
}

/// Returns the failure of a host, which is an agent.
fn of_host(error: &HostError) -> Failure {
    match error.downcast_ref::<pinnace_agent::Error>() {
        Some(error) => of_agent(error),
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
    let before =
        live.map_or_else(String::new, |live| format!("generation {live} is live as before; "));
    failure.hint(format!("{before}`pinnace logs {service} --agent {host}` shows more"))
}

fn of_agent(error: &pinnace_agent::Error) -> Failure {
    let message = error.to_string();
    match error.kind() {
        Agent::Malformed { .. } | Agent::NoToken { .. } => Failure::usage(message),
        Agent::Refused { status: 401, .. } => Failure::job(message)
            .hint("name the file of its token with `--token-file`, or set PINNACE_TOKEN_FILE"),
        Agent::Unreachable { .. } => Failure::job(message).hint(
            "is it running, and at this address? `pinnace agent --help` says how it starts",
        ),
        Agent::Cancelled { service, generation } => Failure::interrupted().hint(format!(
            "generation {generation} is still being tried; `pinnace status {service}` shows the result"
        )),
        Agent::Io { source, .. } => Failure::io_at(message, source),
        _ => Failure::job(message),
    }
}
