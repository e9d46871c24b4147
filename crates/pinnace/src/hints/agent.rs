//! Exit codes and hints for errors of `pinnace-agent`.

use pinnace_agent::ErrorKind as Agent;

use crate::Failure;

/// Returns the failure of an error, with its exit code and its hint.
pub(super) fn failure(error: &pinnace_agent::Error) -> Failure {
    let message = error.to_string();
    match error.kind() {
        Agent::Malformed { .. } | Agent::NoToken { .. } => Failure::usage(message),
        Agent::Refused { status: 401, .. } => Failure::job(message)
            .hint("pass the token file with `--token-file`, or set PINNACE_TOKEN_FILE"),
        Agent::Unreachable { .. } => Failure::job(message).hint(
            "check the address, and start the agent if it is not running (`pinnace agent --help`)",
        ),
        Agent::Cancelled { service, generation } => Failure::interrupted().hint(format!(
            "generation {generation} is still being launched; see the result with `pinnace status {service}`"
        )),
        Agent::Io { source, .. } => Failure::io_at(message, source),
        _ => Failure::job(message),
    }
}
