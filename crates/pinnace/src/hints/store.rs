//! Exit codes and hints for errors of `pinnace-store`.

use pinnace_store::ErrorKind as Store;

use crate::Failure;

/// Returns the failure of an error, with its exit code and its hint.
pub(super) fn failure(error: &pinnace_store::Error) -> Failure {
    let failure = Failure::from_error(error);
    match error.kind() {
        Store::Cancelled => Failure::interrupted(),
        Store::Url { .. } => {
            failure.bad_usage().hint("pass a folder, `file:///folder` or `s3://bucket/folder`")
        }
        Store::NoStore { .. } => {
            failure.hint("create one with `pinnace store put` or `pinnace deploy`")
        }
        _ => failure,
    }
}
