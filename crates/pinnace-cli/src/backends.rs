//! Projects here, as their files describe them, or else their backends.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use pinnace_deploy::{
    Ask, Described, Index, LocalDistribution, Rules, SaidBy, Scan, Settings, read_project,
};
use pinnace_store::Digest;
use pinnace_wheel::{Metadata, Pyproject, Request, Target};
use sha2::{Digest as _, Sha256};

use crate::{
    Failure, arguments::IndexArguments, inputs::Wanted, modules::roots, platforms,
    session::Session, supply,
};

/// Asks the backends of projects that nothing else describes, each once.
pub(crate) struct Backends<'s> {
    session: &'s Session<'s>,
    /// What backends require comes from there.
    given: &'s IndexArguments,
    /// What they are asked for; without it, for the interpreter that is here.
    target: Option<&'s Target>,
    python: Option<&'s str>,
    /// The project whose settings say what of it ships.
    own: Option<(PathBuf, &'s Settings)>,
    ask: Ask,
    asked: Mutex<BTreeMap<PathBuf, Described>>,
}

/// Remembers the files of a project, by its folder.
const BUCKET: &str = "scan-1";
/// What setuptools calls a project without a name.
const NAMELESS: &str = "unknown";

impl<'s> Backends<'s> {
    pub(crate) fn new(
        session: &'s Session<'s>,
        given: &'s IndexArguments,
        target: Option<&'s Target>,
        python: Option<&'s str>,
    ) -> Self {
        let (own, ask, asked) = (None, Ask::IfChanged, Mutex::default());
        Self { session, given, target, python, own, ask, asked }
    }

    /// The same for a project whose settings say what of it ships.
    pub(crate) fn for_project(self, folder: &Path, settings: &'s Settings, ask: Ask) -> Self {
        Self { own: Some((folder.to_owned(), settings)), ask, ..self }
    }

    /// The project in a folder; `None` if there is none.
    pub(crate) fn project(&self, folder: &Path) -> Result<Option<Pyproject>, Failure> {
        let Some(project) = read_project(folder)? else { return Ok(None) };
        match SaidBy::of(folder, &project)? {
            SaidBy::Files | SaidBy::FilesAndBackend => Ok(Some(project)),
            SaidBy::Backend => {
                let metadata = self.ask(folder, &project)?.metadata;
                Ok(Some(project.described(Metadata::parse(metadata.as_bytes())?)))
            }
        }
    }

    /// The project in a folder as a distribution, whatever its version; `None` if there is none that has a name.
    pub(crate) fn distribution(&self, folder: &Path) -> Result<Option<LocalDistribution>, Failure> {
        match read_project(folder)? {
            Some(project) if SaidBy::of(folder, &project)? == SaidBy::Backend => {
                named(&self.ask(folder, &project)?)
            }
            _ => Ok(LocalDistribution::of_project(folder)?),
        }
    }

    /// The project in a folder as a distribution, and the folders in which its modules are, where its backend tells.
    pub(crate) fn local(
        &self,
        folder: &Path,
    ) -> Result<(Option<LocalDistribution>, Vec<String>), Failure> {
        let scan = scan(folder, &self.rules(folder)?, self.session)?;
        match self.described(folder, &scan)? {
            Some(described) => Ok((named(&described)?, roots(&scan, &described.modules).0)),
            None => Ok((LocalDistribution::of_project(folder)?, Vec::new())),
        }
    }

    /// What the backend of the project in a folder says, if it is the one to say it: of the files that a look has
    /// found. An answer that only tells a version is not waited for where it is not to be had.
    pub(crate) fn described(
        &self,
        folder: &Path,
        scan: &Scan,
    ) -> Result<Option<Described>, Failure> {
        let Some(project) = read_project(folder)? else { return Ok(None) };
        let described = match SaidBy::of(folder, &project)? {
            SaidBy::Files => return Ok(None),
            SaidBy::Backend => self.ask(folder, &project)?,
            SaidBy::FilesAndBackend => match self.ask(folder, &project) {
                Ok(described) => described,
                Err(_) if !self.session.interrupt.is_set() => return Ok(None),
                Err(failure) => return Err(failure),
            },
        };
        if described.is_of(scan) {
            return Ok(Some(described));
        }
        let message = format!(
            "the project in `{}` changed while its backend was asked: try again when it is at rest",
            folder.display()
        );
        Err(Failure::job(message))
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
        let builder = builder.ok_or_else(|| nobody_asks(folder, &target))?;
        let scan = scan(folder, &self.rules(folder)?, session)?;
        session.reporter.step("asking the backend of the project");
        let described = builder.describe(folder, &scan, self.ask)?;
        asked.insert(folder.to_owned(), described.clone());
        Ok(described)
    }

    /// What of the project in a folder ships.
    pub(crate) fn rules(&self, folder: &Path) -> Result<Rules, Failure> {
        Ok(match &self.own {
            Some((own, settings)) if own == folder => {
                Rules::new(&settings.include, &settings.exclude)?
            }
            _ => Rules::new(&[], &[])?,
        })
    }
}

/// What a backend described, as a distribution, if it has a name.
pub(crate) fn named(described: &Described) -> Result<Option<LocalDistribution>, Failure> {
    Ok(Some(LocalDistribution::described(described)?).filter(|one| one.name != NAMELESS))
}

fn nobody_asks(folder: &Path, target: &Target) -> Failure {
    let folder = folder.display();
    Failure::job(format!(
        "only its backend describes the project in `{folder}`, and no Python of {target} is here to ask it"
    ))
    .hint("name one with `--python`, or describe it in a `[project]` table of a `pyproject.toml`")
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
