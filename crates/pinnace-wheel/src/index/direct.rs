//! Files that a requirement names by address: `name @ https://…/name-1.0-py3-none-any.whl`.

use super::Index;
use crate::{
    Address, Artifact, Error, File, ProjectName, error::without_secrets, sha256::parse_sha256,
};

/// The version control systems that URLs may name, in pip's spelling.
const REPOSITORIES: [&str; 4] = ["git", "hg", "svn", "bzr"];

pub(super) fn file(index: &Index<'_>, name: &ProjectName, url: &str) -> Result<File, Error> {
    let refuse = |reason: &str| Error::parse("URL of a wheel or sdist", url, reason);
    let scheme = url.split(':').next().unwrap_or_default();
    let system = scheme.split('+').next().unwrap_or_default();
    if REPOSITORIES.contains(&system) {
        return Err(refuse(&format!(
            "`{name}` is in a {system} repository, but only archives can be built; \
             use the address of a wheel"
        )));
    }
    let (bare, fragment) = url.split_once('#').unwrap_or((url, ""));
    let mut address = Address::parse(bare)?;
    for base in &index.options.indexes {
        address.borrow_credentials(base);
    }
    let file_name = address.file_name();
    let artifact = Artifact::parse(&file_name, name).map_err(|error| {
        let shown = without_secrets(&file_name);
        refuse(&format!("`{shown}` is not a file of `{name}`: {}", error.reason()))
    })?;
    let mut file = File::new(artifact, address);
    let stated = fragment.split('&').find_map(|part| part.strip_prefix("sha256="));
    if let Some(hex) = stated {
        let sha256 = parse_sha256(hex);
        file.sha256 = Some(sha256.ok_or_else(|| refuse("its `#sha256=` is malformed"))?);
    }
    Ok(file)
}
