//! The files and folders of a build, chosen by the resolver or by a lock.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use pinnace_wheel::{
    ExtraName, Folder, FolderKind, Lock, Pin, ProjectName, Satisfaction,
    Selection as LockSelection, Target, UvLock,
};

use crate::{Error, ErrorKind, InputSpec, Inputs};

/// The files and folders of a build for one platform.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Selection {
    /// The pins: wheels and source distributions at exact versions.
    pub pins: Vec<Pin>,
    /// The folders whose code to add.
    pub folders: Vec<PathBuf>,
    /// The folders of a lock's projects that are not packages.
    pub other_folders: Vec<Folder>,
    /// The overridden and excluded projects, on which requirements need not hold.
    pub loosened: BTreeSet<ProjectName>,
    /// The requirements to check.
    pub requirements: Requirements,
    /// Notes for the user.
    pub notes: Vec<String>,
}

/// The requirements of a selection to check.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Requirements {
    /// Check all requirements.
    #[default]
    All,
    /// Check none: the caller ignores the requirements of requirements.
    Ignored,
}

/// The origin of the requested extras and groups of a lock.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LockOptions {
    /// From the caller, so that the lock must have them.
    Named,
    /// From the settings of a project. A lock that does not list them may contain them unconditionally.
    OfProject,
}

impl Selection {
    /// Selects the files of a `pylock.toml` (PEP 751) or `uv.lock` for a platform.
    ///
    /// # Errors
    ///
    /// Returns an error if the lock cannot be read, or lacks a member, an extra, a group or the platform.
    pub fn from_lock(
        path: &Path,
        spec: &InputSpec,
        options: LockOptions,
        target: &Target,
    ) -> Result<Self, Error> {
        let unreadable = |source| ErrorKind::UnreadableLock { path: path.to_owned(), source };
        let text = fs::read_to_string(path).map_err(unreadable)?;
        if text.trim_start().starts_with('{') {
            return Err(ErrorKind::ForeignLock { path: path.to_owned() }.into());
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut extras: Vec<ExtraName> = parse_all(&spec.extras)?;
        let mut groups: Vec<ProjectName> = parse_all(&spec.groups)?;
        if path.file_name().is_some_and(|name| name == "uv.lock") {
            let lock = UvLock::parse(&text, folder)?;
            let member = member(&lock, spec, options)?;
            return Self::of_lock(lock.select(&member, target, &extras, &groups)?);
        }
        if spec.package.is_some() {
            return Err(ErrorKind::NoMembers.into());
        }
        let lock = Lock::parse(&text, folder)?;
        if options == LockOptions::OfProject {
            // The lock contains other extras and groups of the project unconditionally.
            extras.retain(|extra| lock.extras().contains(extra));
            groups.retain(|group| lock.groups().contains(group));
        }
        Self::of_lock(lock.select(target, &extras, &groups)?)
    }

    fn of_lock(selection: LockSelection) -> Result<Self, Error> {
        if let Some((project, url)) = selection.repositories.first() {
            let (project, url) = (project.to_string(), without_secrets(url));
            return Err(ErrorKind::Repository { project, url }.into());
        }
        let (packages, rest): (Vec<Folder>, Vec<Folder>) =
            selection.folders.into_iter().partition(|folder| folder.kind == FolderKind::Package);
        Ok(Self {
            pins: selection.pins,
            folders: packages.into_iter().map(|folder| folder.path).collect(),
            other_folders: rest,
            loosened: selection.loosened.into_iter().collect(),
            ..Self::default()
        })
    }

    /// Adds the folders of the inputs.
    pub fn add_folders(&mut self, inputs: &Inputs) {
        let new = inputs.folders.iter().filter(|folder| !self.folders.contains(folder));
        let new: Vec<PathBuf> = new.cloned().collect();
        self.folders.extend(new);
    }

    /// Returns true if any pin is a source distribution.
    pub fn needs_build(&self) -> bool {
        self.pins.iter().any(|pin| pin.wheel().is_none())
    }

    /// Checks that the pins of a lock satisfy the inputs on a platform, and adds the requested extras to the
    /// pins. A stale lock would lack requirements.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::StaleLock`] with the first unsatisfied requirement.
    pub fn check_lock(
        &mut self,
        lock: &Path,
        inputs: &Inputs,
        target: &Target,
    ) -> Result<(), Error> {
        self.loosened.extend(inputs.request.loosened().cloned());
        let pinned = |pin: &Pin| (pin.project().clone(), pin.version().clone());
        let pins = self.pins.iter().map(pinned).collect();
        match inputs.request.covered_by(&pins, target)? {
            Satisfaction::Satisfied(mut extras) => {
                for pin in &mut self.pins {
                    let own = extras.remove(pin.project()).unwrap_or_default();
                    let all = pin.extras().iter().cloned().chain(own).collect::<BTreeSet<_>>();
                    *pin = pin.clone().with_extras(all.into_iter().collect());
                }
                Ok(())
            }
            Satisfaction::Unsatisfied { requirement, found } => {
                let found = found.map(|version| version.to_string());
                let lock = lock.to_owned();
                Err(ErrorKind::StaleLock { lock, requirement, found }.into())
            }
        }
    }

    /// Returns the overridden projects, which are among the pins, and the excluded ones, which are not.
    pub fn overridden_and_excluded(&self) -> (Vec<String>, Vec<String>) {
        let pins: BTreeSet<&ProjectName> = self.pins.iter().map(Pin::project).collect();
        let (there, gone): (Vec<&ProjectName>, Vec<&ProjectName>) =
            self.loosened.iter().partition(|project| pins.contains(project));
        let named =
            |projects: Vec<&ProjectName>| projects.iter().map(ToString::to_string).collect();
        (named(there), named(gone))
    }
}

/// Returns the workspace member that the caller names, or the only one.
fn member(lock: &UvLock, spec: &InputSpec, options: LockOptions) -> Result<ProjectName, Error> {
    let members: Vec<&str> = lock.members().collect();
    match (&spec.package, members.as_slice()) {
        (Some(name), _) => Ok(name.parse()?),
        (None, [only]) => Ok(only.parse()?),
        (None, several) => {
            let members = several.iter().map(|name| (*name).to_owned()).collect();
            let is_of_project = options == LockOptions::OfProject;
            Err(ErrorKind::SeveralMembers { members, is_of_project }.into())
        }
    }
}

/// Returns the address of a repository without credentials, query and fragment.
fn without_secrets(url: &str) -> String {
    let bare = url.split(['?', '#']).next().unwrap_or_default();
    bare.rsplit_once('@').map_or(bare, |(_, rest)| rest).to_owned()
}

fn parse_all<T: std::str::FromStr<Err = pinnace_wheel::Error>>(
    texts: &[String],
) -> Result<Vec<T>, Error> {
    Ok(texts.iter().map(|text| text.parse()).collect::<Result<_, _>>()?)
}
