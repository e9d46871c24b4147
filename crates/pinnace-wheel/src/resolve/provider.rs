//! The dependency provider of the solver: the versions that exist and the requirements of each.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Candidates, Choice, Prereleases, Request, Unfit, Yanked,
    package::{Package, Versions, root_version},
    reason::Reason,
};
use crate::{
    Error, File, Metadata, Project, ProjectName, Release, Requirement, Source, Target, Version,
    error::without_secrets, marker::Reads, range::single, version_key::VersionKey,
};

pub(super) type Constraints = BTreeMap<Package, Versions>;

/// A dependency provider: it answers the solver's questions and caches them. Its answers
/// depend only on the request, the target and the source.
pub(crate) struct Provider<'a> {
    pub(super) source: &'a dyn Source,
    pub(super) request: &'a Request,
    pub(super) target: &'a Target,
    pub(super) reads: Reads,
    pub(super) state: RefCell<ProviderState>,
}

#[derive(Default)]
pub(super) struct ProviderState {
    pub(super) projects: BTreeMap<ProjectName, Option<Arc<KnownProject>>>,
    pub(super) chosen: BTreeMap<(ProjectName, VersionKey), Arc<File>>,
    pub(super) parsed: BTreeMap<(ProjectName, VersionKey), Arc<Parsed>>,
    /// The last decided version of each project, which its extras try first.
    pub(super) decided: BTreeMap<ProjectName, VersionKey>,
    pub(super) unfit: BTreeMap<ProjectName, BTreeMap<Version, Unfit>>,
    pub(super) seen: BTreeMap<ProjectName, usize>,
    /// Constraints of the request that the solver does not know yet.
    pub(super) limits: Vec<(ProjectName, Versions, Reason)>,
    /// The number of versions tried, by project.
    pub(super) tried: BTreeMap<ProjectName, usize>,
    pub(super) warnings: BTreeSet<String>,
    /// The overrides and excludes that took effect.
    pub(super) used: BTreeSet<ProjectName>,
}

/// A project with the version keys of its releases, in ascending order.
pub(super) struct KnownProject {
    pub(super) project: Arc<Project>,
    pub(super) versions: Vec<VersionKey>,
    /// The address that the request names for the project.
    pub(super) address: Option<String>,
}

/// Metadata with its parsed requirements. A malformed requirement makes its release unusable.
pub(super) struct Parsed {
    pub(super) metadata: Arc<Metadata>,
    pub(super) requirements: Vec<Result<Requirement, String>>,
}

impl<'a> Provider<'a> {
    pub(crate) fn new(
        source: &'a dyn Source,
        request: &'a Request,
        target: &'a Target,
    ) -> Result<Self, Error> {
        let (reads, state) = (Reads::default(), RefCell::default());
        let provider = Self { source, request, target, reads, state };
        for requirement in request.requirements() {
            if requirement.url().is_some() && provider.applies(requirement, None)? {
                provider.add_address(requirement)?;
            }
        }
        // Local projects may name addresses, too.
        let local = request.locals.values().flat_map(|local| local.metadata.requires());
        for text in local.filter(|text| text.contains('@')) {
            let requirement: Requirement = text.parse()?;
            let extras = requirement.marker().is_some_and(|it| it.to_string().contains("extra"));
            if requirement.url().is_some() && (extras || provider.applies(&requirement, None)?) {
                provider.add_address(&requirement)?;
            }
        }
        Ok(provider)
    }

    /// Records the file at a requirement's address as the project's only release.
    fn add_address(&self, requirement: &Requirement) -> Result<(), Error> {
        let (name, url) = (requirement.name(), requirement.url().unwrap_or_default());
        let file = self.source.direct(name, url)?;
        let project = Arc::new(Project::new([file]));
        let versions = project.releases().iter().map(|release| release.key().clone()).collect();
        let known = Arc::new(KnownProject { project, versions, address: Some(url.to_owned()) });
        let before = self.state.borrow_mut().projects.insert(name.clone(), Some(known));
        match before.flatten().and_then(|known| known.address.clone()) {
            Some(other) if other != url => {
                let reason =
                    format!("`{name}` is already required from `{}`", without_secrets(&other));
                Err(Error::parse("usable URL", url, reason))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.source.is_cancelled()
    }

    fn known_project(&self, name: &ProjectName) -> Result<Option<Arc<KnownProject>>, Error> {
        if let Some(known) = self.state.borrow().projects.get(name) {
            return Ok(known.clone());
        }
        let found = self.source.project(name)?.filter(|found| !found.releases().is_empty());
        let known = found.map(|project| {
            let versions =
                project.releases().iter().rev().map(|release| release.key().clone()).collect();
            Arc::new(KnownProject { project, versions, address: None })
        });
        self.state.borrow_mut().projects.insert(name.clone(), known.clone());
        Ok(known)
    }

    /// Returns the position at which a package was first seen. A base comes before its extras.
    pub(super) fn rank(&self, package: &Package) -> (usize, bool) {
        let state = self.state.borrow();
        let seen = package.project().and_then(|project| state.seen.get(project));
        (seen.copied().unwrap_or_default(), matches!(package, Package::Extra(..)))
    }

    /// Chooses the version to try next. Returns `None` if no version in the range can be used.
    pub(super) fn choose(
        &self,
        package: &Package,
        range: &Versions,
    ) -> Result<Option<VersionKey>, Error> {
        let project = match package {
            Package::Root => return Ok(Some(root_version())),
            Package::Base(project) => project,
            Package::Extra(project, _) => {
                let decided = self.state.borrow().decided.get(project).cloned();
                match decided.filter(|version| range.contains(version)) {
                    Some(version) => return Ok(Some(version)),
                    None => project,
                }
            }
        };
        let chosen = match self.request.locals.get(project) {
            Some(local) => Some(local.metadata.version().key()).filter(|it| range.contains(it)),
            None => self.choose_release(project, range)?,
        };
        if let Some(version) = &chosen {
            self.state.borrow_mut().decided.insert(project.clone(), version.clone());
        }
        Ok(chosen)
    }

    /// Chooses the first usable release: the preferred one, then stable ones, then pre-releases,
    /// each newest first.
    fn choose_release(
        &self,
        project: &ProjectName,
        range: &Versions,
    ) -> Result<Option<VersionKey>, Error> {
        let Some(known) = self.known_project(project)? else { return Ok(None) };
        let releases = known.project.releases();
        let in_range = || releases.iter().filter(|release| range.contains(release.key()));
        let preferred = self.request.preferences.get(project);
        let mut yanked = if single(range).is_some() { Yanked::Allowed } else { Yanked::Refused };
        if let Some(preferred) = preferred {
            // A locked version may have been yanked since.
            let first = in_range().filter(|release| release.version() == preferred);
            if let Some(version) = self.first_usable(project, Yanked::Allowed, first)? {
                return Ok(Some(version));
            }
        }
        if known.address.is_some() {
            yanked = Yanked::Allowed;
        }
        if self.request.prereleases == Prereleases::Allowed {
            return self.first_usable(project, yanked, in_range());
        }
        let is_prerelease = |release: &&Release| release.version().is_prerelease();
        match self.first_usable(
            project,
            yanked,
            in_range().filter(|release| !is_prerelease(release)),
        )? {
            Some(version) => Ok(Some(version)),
            None => self.first_usable(project, yanked, in_range().filter(is_prerelease)),
        }
    }

    fn first_usable<'r>(
        &self,
        project: &ProjectName,
        yanked: Yanked,
        mut releases: impl Iterator<Item = &'r Release>,
    ) -> Result<Option<VersionKey>, Error> {
        while let Some(release) = releases.next() {
            let version = release.key().clone();
            match self.candidates().choose(project, release, yanked)? {
                Choice::File(file) => {
                    let key = (project.clone(), version.clone());
                    self.state.borrow_mut().chosen.insert(key, Arc::new(*file));
                    self.prefetch_next(project, yanked, releases)?;
                    return Ok(Some(version));
                }
                Choice::Unfit(unfit) => {
                    let mut state = self.state.borrow_mut();
                    let unfits = state.unfit.entry(project.clone()).or_default();
                    unfits.insert(release.version().clone(), unfit);
                }
            }
        }
        Ok(None)
    }

    fn candidates(&self) -> Candidates<'_> {
        Candidates { target: self.target, rules: &self.request.files }
    }

    /// Returns the tags of a version's wheels that do not fit, nearest first.
    pub(super) fn incompatible_tags(
        &self,
        project: &ProjectName,
        version: &VersionKey,
    ) -> Result<Vec<String>, Error> {
        let known = self.known_project(project)?;
        let releases = known.iter().flat_map(|known| known.project.releases());
        match releases.into_iter().find(|release| release.key() == version) {
            Some(release) => Ok(self.candidates().incompatible_wheels(release.files()?).1),
            None => Ok(Vec::new()),
        }
    }

    /// Prefetches the metadata of the next versions while the solver goes through a project version
    /// by version: after 5, 10 and 20 tries, and every 20 from then on.
    fn prefetch_next<'r>(
        &self,
        project: &ProjectName,
        yanked: Yanked,
        releases: impl Iterator<Item = &'r Release>,
    ) -> Result<(), Error> {
        let tried = {
            let mut state = self.state.borrow_mut();
            let tried = state.tried.entry(project.clone()).or_default();
            *tried += 1;
            *tried
        };
        if !matches!(tried, 5 | 10) && tried % 20 != 0 {
            return Ok(());
        }
        let mut files = Vec::new();
        for release in releases.take(tried.min(50)) {
            if let Choice::File(file) = self.candidates().choose(project, release, yanked)? {
                files.push(*file);
            }
        }
        self.source.prefetch_metadata(files);
        Ok(())
    }

    /// Moves the ends of a range to the next versions that exist. A fact about a version also holds
    /// for the gap around it, and ranges without gaps are cheap.
    pub(super) fn widen(&self, package: &Package, range: &Versions) -> Result<Versions, Error> {
        let Some(project) = package.project() else { return Ok(range.clone()) };
        if self.request.locals.contains_key(project) {
            return Ok(range.clone());
        }
        Ok(self
            .known_project(project)?
            .map_or(range.clone(), |known| range.widen_versions(&known.versions)))
    }

    /// Simplifies a range without changing which of the existing and requested versions it
    /// contains.
    pub(super) fn simplify(&self, project: &ProjectName, range: &Versions) -> Versions {
        let state = self.state.borrow();
        let Some(known) = state.projects.get(project).and_then(Option::as_ref) else {
            return range.clone();
        };
        let own = self.request.requirements().filter(|requirement| requirement.name() == project);
        let requested = own.fold(Versions::full(), |all, requirement| {
            all.intersection(&requirement.specifiers().ranges())
        });
        let versions: Vec<&VersionKey> =
            known.versions.iter().filter(|it| requested.contains(*it)).collect();
        range.simplify(versions.iter().copied()).narrow_versions(&versions)
    }

    /// Returns the newest version of a project in a range.
    pub(super) fn newest_in(&self, project: &ProjectName, range: &Versions) -> Option<VersionKey> {
        let state = self.state.borrow();
        let known = state.projects.get(project)?.as_ref()?;
        known.versions.iter().rev().find(|version| range.contains(*version)).cloned()
    }

    /// Returns the releases of a project that were passed over, with the reasons, newest first.
    pub(super) fn unfit(&self, project: &ProjectName) -> Vec<(Version, Unfit)> {
        let state = self.state.borrow();
        let releases = state.unfit.get(project).into_iter().flatten().rev();
        releases.map(|(version, unfit)| (version.clone(), unfit.clone())).collect()
    }

    /// Returns the newest version of a project, preferring stable ones. Returns `Err` if the
    /// project does not exist.
    pub(super) fn newest(&self, project: &ProjectName) -> Result<Option<Version>, ()> {
        match self.state.borrow().projects.get(project) {
            Some(None) => Err(()),
            Some(Some(known)) => {
                let releases = known.project.releases();
                let stable = releases.iter().find(|release| !release.version().is_prerelease());
                Ok(stable.or(releases.first()).map(|release| release.version().clone()))
            }
            None => Ok(None),
        }
    }

    pub(super) fn chosen(
        &self,
        project: &ProjectName,
        version: &VersionKey,
    ) -> Result<Arc<File>, Error> {
        let key = (project.clone(), version.clone());
        let unchosen = || Error::parse("chosen version", &version.to_string(), "it was not chosen");
        self.state.borrow().chosen.get(&key).cloned().ok_or_else(unchosen)
    }

    pub(super) fn warn(&self, warning: String) {
        self.state.borrow_mut().warnings.insert(warning);
    }
}
