//! Exit codes and hints for errors of `pinnace-wheel`.

use pinnace_wheel::ErrorKind as Wheel;

use crate::Failure;

/// Returns the failure of an error, with its exit code and its hint.
pub(super) fn failure(error: &pinnace_wheel::Error) -> Failure {
    let failure = Failure::from_error(error);
    match error.kind() {
        Wheel::Cancelled => Failure::interrupted(),
        Wheel::Offline { .. } => failure.hint("run once without `--offline`"),
        Wheel::Transport { .. } => failure.hint(
            "check the network, the proxy variables and `--index-url`; or build from the cache with `--offline`",
        ),
        Wheel::Parse { .. } => failure.bad_usage(),
        _ => failure,
    }
}
