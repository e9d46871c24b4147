//! Services and releases, as the user names them.

use std::path::Path;

use pinnace_deploy::{Machine, Service};
use pinnace_store::{Deployment, Digest, RefName, Store};

use crate::{Failure, environment::Environment};

/// The ref that a service's deployers move.
pub(crate) fn wanted(service: &str) -> Result<RefName, Failure> {
    let name = format!("wanted/{service}").parse();
    name.map_err(|_| {
        Failure::usage(format!("`{service}` is no name of a service"))
            .hint("letters, digits and `._-` are expected, as in `shop`")
    })
}

/// The service of a ref; `None` for a ref that is none.
pub(crate) fn service(name: &RefName) -> Option<&str> {
    name.as_str().strip_prefix("wanted/")
}

/// The release that a text means: the live one of a service, or one by its digest.
pub(crate) fn release(text: &str, store: &Store, machine: &Machine) -> Result<Digest, Failure> {
    if let Some(digest) = digest(text) {
        return Ok(digest);
    }
    if let Ok(name) = format!("wanted/{text}").parse()
        && let Some(step) = Service::new(store, machine, &name).newest()?
    {
        return step.release.ok_or_else(|| {
            Failure::job(format!("`{text}` is out of use since generation {}", step.generation))
        });
    }
    by_digits(text, store)
}

/// The release whose digest begins like this.
pub(crate) fn by_digits(text: &str, store: &Store) -> Result<Digest, Failure> {
    if let Some(digest) = digest(text) {
        return Ok(digest);
    }
    let digits = text.strip_prefix("sha256:").unwrap_or(text).to_lowercase();
    let found = store.find_manifests(&digits)?;
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(Failure::job(format!("there is no service or release `{text}` in the store"))
            .hint("`pinnace releases` lists all services")),
        several => {
            let all: Vec<String> = several.iter().map(|one| format!("  {one}")).collect();
            Err(Failure::usage(format!("`{text}` may be\n{}", all.join("\n"))))
        }
    }
}

fn digest(text: &str) -> Option<Digest> {
    text.parse().ok().or_else(|| format!("sha256:{text}").parse().ok())
}

/// A record of who deploys now.
pub(crate) fn record(folder: &Path, reason: Option<&str>, environment: &Environment) -> Deployment {
    let mut record = Deployment::default();
    record.at = environment.now;
    record.by = who(environment);
    record.git = commit(folder);
    record.reason = reason.map(str::to_owned);
    record
}

fn who(environment: &Environment) -> String {
    let user = ["USER", "LOGNAME"].iter().find_map(|name| environment.variable(name));
    let host = environment.variable("HOSTNAME").map(str::to_owned);
    let host = host.or_else(|| std::fs::read_to_string("/proc/sys/kernel/hostname").ok());
    let host = host.unwrap_or_default();
    match (user, host.trim()) {
        (Some(user), "") => user.to_owned(),
        (Some(user), host) => format!("{user}@{host}"),
        (None, host) => host.to_owned(),
    }
}

/// The commit that a folder is at, as far as a look at files tells.
fn commit(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let git = folder.ancestors().map(|one| one.join(".git")).find(|git| git.exists())?;
    let git = match git.is_file() {
        // A worktree says where its own folder is.
        true => {
            let text = std::fs::read_to_string(&git).ok()?;
            git.parent()?.join(text.trim().strip_prefix("gitdir: ")?)
        }
        false => git,
    };
    let common = std::fs::read_to_string(git.join("commondir")).ok();
    let shared = common.map_or_else(|| git.clone(), |text| git.join(text.trim()));
    let head = std::fs::read_to_string(git.join("HEAD")).ok()?;
    let Some(name) = head.trim().strip_prefix("ref: ") else { return Some(head.trim().to_owned()) };
    if let Ok(commit) = std::fs::read_to_string(shared.join(name)) {
        return Some(commit.trim().to_owned());
    }
    let packed = std::fs::read_to_string(shared.join("packed-refs")).ok()?;
    let line = packed.lines().find(|line| line.ends_with(&format!(" {name}")))?;
    line.split(' ').next().map(str::to_owned)
}

/// Another deployer was first.
pub(crate) fn lost(service: &str, newest: Option<&Deployment>) -> Failure {
    let Some(newest) = newest else {
        return Failure::job(format!("somebody else changed `{service}` meanwhile"));
    };
    let release = newest.release.map_or_else(|| "nothing".to_owned(), |one| one.to_string());
    let generation = newest.generation;
    Failure::job(format!(
        "somebody else was first: `{service}` is at generation {generation} by {}, {release}",
        newest.by
    ))
    .hint("deploy again to put yours after it")
}
