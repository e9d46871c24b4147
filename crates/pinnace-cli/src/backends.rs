//! Projects here, as their files describe them, or else their backends.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use pinnace_deploy::{
    Described, Index, LocalDistribution, Rules, Scan, needs_backend, read_project,
};
use pinnace_store::Digest;
use pinnace_wheel::{Metadata, Pyproject, Request, Target};
use sha2::{Digest as _, Sha256};

use crate::{
    Failure, arguments::IndexArguments, inputs::Wanted, platforms, session::Session, supply,
};

/// Asks the backends of projects that nothing else describes, each once.
pub(crate) struct Backends<'s> {
    session: &'s Session<'s>,
    /// What backends require comes from there.
    given: &'s IndexArguments,
    /// What they are asked for; without it, for the interpreter that is here.
    target: Option<&'s Target>,
    python: Option<&'s str>,
    asked: Mutex<BTreeMap<PathBuf, Described>>,
}

/// Remembers the files of a project, by its folder.
const BUCKET: &str = "scan-1";

impl<'s> Backends<'s> {
    pub(crate) fn new(
        session: &'s Session<'s>,
        given: &'s IndexArguments,
        target: Option<&'s Target>,
        python: Option<&'s str>,
    ) -> Self {
        Self { session, given, target, python, asked: Mutex::default() }
    }

    /// The project in a folder; `None` if there is none.
    pub(crate) fn project(&self, folder: &Path) -> Result<Option<Pyproject>, Failure> {
        let Some(project) = read_project(folder)? else { return Ok(None) };
        if !needs_backend(folder, &project)? {
            return Ok(Some(project));
        }
        let metadata = self.ask(folder, &project)?.metadata;
        Ok(Some(project.described(Metadata::parse(metadata.as_bytes())?)))
    }

    /// The project in a folder as a distribution; `None` if there is none.
    pub(crate) fn distribution(&self, folder: &Path) -> Result<Option<LocalDistribution>, Failure> {
        match read_project(folder)? {
            Some(project) if needs_backend(folder, &project)? => {
                Ok(Some(LocalDistribution::described(&self.ask(folder, &project)?)?))
            }
            _ => Ok(LocalDistribution::of_project(folder)?),
        }
    }

    fn ask(&self, folder: &Path, project: &Pyproject) -> Result<Described, Failure> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = asked.get(folder) {
            return Ok(known.clone());
        }
        let session = self.session;
        let target = match self.target {
            Some(target) => target.clone(),
            None => {
                let cache = &session.storage;
                platforms::interpreter(self.python, session.environment, cache)?.target().clone()
            }
        };
        let wanted = Wanted::for_backend(project, session.environment)?;
        let index = session.index(self.given, &wanted, self.python)?;
        let builder = supply::builder(session, &index, &Request::default(), &target, self.python);
        let builder = builder.ok_or_else(|| {
            Failure::job(format!(
                "only its backend tells what the project in `{}` requires, and no Python of {} is here to ask it",
                folder.display(),
                target
            ))
            .hint("name one with `--python`, or say it in a `[project]` table of a `pyproject.toml`")
        })?;
        let scan = scan(folder, &Rules::new(&[], &[])?, session)?;
        session.reporter.step("asking the backend of the project");
        let described = builder.describe(folder, &scan)?;
        asked.insert(folder.to_owned(), described.clone());
        Ok(described)
    }
}

/// Looks at a folder; what did not change since the last look is not read.
pub(crate) fn scan(folder: &Path, rules: &Rules, session: &Session<'_>) -> Result<Scan, Failure> {
    let (machine, environment) = (session.storage.machine(), session.environment);
    let key = Sha256::digest(folder.as_os_str().as_encoded_bytes());
    let key = Digest::new(key.into()).to_hex();
    let known = machine.known(BUCKET, &key).map(|bytes| Index::parse(&bytes));
    let known = known.unwrap_or_default();
    let scan = Scan::of(folder, rules, &known, environment.threads)?;
    if scan.index != known {
        machine.learn(BUCKET, &key, &scan.index.to_bytes(environment.now));
    }
    Ok(scan)
}
