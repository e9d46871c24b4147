use std::{
    cell::RefCell,
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use pubgrub::{
    Dependencies, DependencyProvider, PackageResolutionStatistics, Ranges, SelectedDependencies,
};

use super::{
    Choice, Pin, Resolution, Unfit,
    candidate::{Yanked, choose},
    package::Package,
    wheel_of,
};
use crate::{
    Error, ExtraName, File, Metadata, ProjectName, Release, Requirement, Source, Target, Version,
    error::without_userinfo,
    range::{Point, single},
};

/// Knowledge for the solver, and what was learned on the way.
pub(crate) struct Provider<'a> {
    source: &'a dyn Source,
    requirements: &'a [Requirement],
    target: &'a Target,
    /// Projects of which a requirement that the user wrote names a pre-release.
    prereleases: BTreeSet<&'a ProjectName>,
    learned: RefCell<Learned>,
}

#[derive(Default)]
struct Learned {
    chosen: BTreeMap<(ProjectName, Version), Arc<File>>,
    unfit: BTreeMap<ProjectName, BTreeMap<Version, Unfit>>,
    unknown: BTreeSet<ProjectName>,
    /// The newest version of projects that had none in a range.
    newest: BTreeMap<ProjectName, Version>,
    seen: BTreeMap<ProjectName, usize>,
    /// How many versions of a project were tried.
    tried: BTreeMap<ProjectName, usize>,
    warnings: BTreeSet<String>,
}

/// Higher goes first: trouble makers, then pins, then what was seen first. All of it is a function
/// of the request and the source alone.
type Priority = (bool, bool, Reverse<usize>);

/// Conflicts after which a package is decided early; uv found this number for its own solver.
const TROUBLE: u32 = 5;

type Constraints = BTreeMap<Package, Ranges<Point>>;

impl<'a> Provider<'a> {
    pub(crate) fn new(
        source: &'a dyn Source,
        requirements: &'a [Requirement],
        target: &'a Target,
    ) -> Self {
        let named = requirements.iter().filter(|one| one.specifiers().names_prerelease());
        Self {
            source,
            requirements,
            target,
            prereleases: named.map(Requirement::name).collect(),
            learned: RefCell::default(),
        }
    }

    /// Why releases of a project were passed over, newest first.
    pub(crate) fn unfit(&self, project: &ProjectName) -> Vec<(Version, Unfit)> {
        let learned = self.learned.borrow();
        let releases = learned.unfit.get(project).into_iter().flatten().rev();
        releases.map(|(version, unfit)| (version.clone(), unfit.clone())).collect()
    }

    pub(crate) fn newest(&self, project: &ProjectName) -> Option<Version> {
        self.learned.borrow().newest.get(project).cloned()
    }

    pub(crate) fn is_unknown(&self, project: &ProjectName) -> bool {
        self.learned.borrow().unknown.contains(project)
    }

    /// The wheels of a solution.
    pub(crate) fn resolution(
        &self,
        solution: SelectedDependencies<Package, Point>,
    ) -> Result<Resolution, Error> {
        let mut extras: BTreeMap<&ProjectName, Vec<ExtraName>> = BTreeMap::new();
        for (package, _) in solution.iter() {
            if let Package::Extra(project, extra) = package {
                extras.entry(project).or_default().push(extra.clone());
            }
        }
        let mut pins = Vec::new();
        for (package, point) in solution.iter() {
            if let Package::Base(project) = package {
                let mut extras = extras.remove(project).unwrap_or_default();
                extras.sort();
                pins.push(self.pin(project, &Version(point.version().clone()), extras)?);
            }
        }
        pins.sort_by(|a, b| a.project().cmp(b.project()));
        let warnings = self.learned.borrow().warnings.iter().cloned().collect();
        Ok(Resolution { pins, warnings })
    }

    fn pin(
        &self,
        project: &ProjectName,
        version: &Version,
        extras: Vec<ExtraName>,
    ) -> Result<Pin, Error> {
        let file = self.chosen(project, version)?;
        if let Some(reason) = &file.yanked {
            let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
            self.warn(format!("{project} {version} is pinned, but was yanked{why}"));
        }
        let metadata = self.source.metadata(&file)?;
        Ok(Pin {
            wheel: wheel_of(&file)?.clone(),
            file: (*file).clone(),
            extras,
            requires: metadata.requires().map(str::to_owned).collect(),
        })
    }

    fn chosen(&self, project: &ProjectName, version: &Version) -> Result<Arc<File>, Error> {
        let key = (project.clone(), version.clone());
        let unchosen = || Error::parse("chosen version", &version.to_string(), "it was not chosen");
        self.learned.borrow().chosen.get(&key).cloned().ok_or_else(unchosen)
    }

    /// The first release that will do: stable ones first, newest first.
    fn choose_release(
        &self,
        project: &ProjectName,
        range: &Ranges<Point>,
    ) -> Result<Option<Point>, Error> {
        let found = self.source.project(project)?.filter(|found| !found.releases().is_empty());
        let Some(found) = found else {
            self.learned.borrow_mut().unknown.insert(project.clone());
            return Ok(None);
        };
        let in_range = || {
            found
                .releases()
                .iter()
                .filter(|release| range.contains(&Point::of(&release.version().0)))
        };
        if in_range().next().is_none() {
            let newest = found.releases().first().map(|release| release.version().clone());
            let mut learned = self.learned.borrow_mut();
            learned.newest.extend(newest.map(|version| (project.clone(), version)));
            return Ok(None);
        }
        let is_prerelease = |release: &&Release| release.version().is_prerelease();
        if self.prereleases.contains(project) {
            return self.first_fit(project, range, in_range());
        }
        match self.first_fit(project, range, in_range().filter(|one| !is_prerelease(one)))? {
            Some(point) => Ok(Some(point)),
            None => self.first_fit(project, range, in_range().filter(is_prerelease)),
        }
    }

    fn first_fit<'r>(
        &self,
        project: &ProjectName,
        range: &Ranges<Point>,
        releases: impl Iterator<Item = &'r Release>,
    ) -> Result<Option<Point>, Error> {
        let yanked = if single(range).is_some() { Yanked::Allowed } else { Yanked::Refused };
        let mut releases = releases;
        while let Some(release) = releases.next() {
            let version = release.version().clone();
            let key = (project.clone(), version.clone());
            match choose(release, self.target, yanked)? {
                Choice::Wheel(file) => {
                    let point = Point::of(&version.0);
                    self.learned.borrow_mut().chosen.insert(key, Arc::new(*file));
                    self.expect_more(project, releases, yanked)?;
                    return Ok(Some(point));
                }
                Choice::Unfit(unfit) => {
                    let mut learned = self.learned.borrow_mut();
                    learned.unfit.entry(project.clone()).or_default().insert(version, unfit);
                }
            }
        }
        Ok(None)
    }

    /// Asks for the metadata of the next versions at once where a project is gone through version by
    /// version: after 5, 10, 20 tries, and every 20 from then on.
    fn expect_more<'r>(
        &self,
        project: &ProjectName,
        releases: impl Iterator<Item = &'r Release>,
        yanked: Yanked,
    ) -> Result<(), Error> {
        let tried = {
            let mut learned = self.learned.borrow_mut();
            let tried = learned.tried.entry(project.clone()).or_default();
            *tried += 1;
            *tried
        };
        if !matches!(tried, 5 | 10) && tried % 20 != 0 {
            return Ok(());
        }
        let mut files = Vec::new();
        for release in releases.take(tried.min(50)) {
            if let Choice::Wheel(file) = choose(release, self.target, yanked)? {
                files.push(*file);
            }
        }
        self.source.expect_metadata(files);
        Ok(())
    }

    fn metadata(&self, project: &ProjectName, point: &Point) -> Result<Arc<Metadata>, Error> {
        let file = self.chosen(project, &Version(point.version().clone()))?;
        self.source.metadata(&file)
    }

    /// What a version of a project requires, with one extra or without any.
    fn dependencies(
        &self,
        project: &ProjectName,
        point: &Point,
        extra: Option<&ExtraName>,
    ) -> Result<Result<Constraints, String>, Error> {
        let metadata = self.metadata(project, point)?;
        let mut constraints = Constraints::new();
        if let Some(extra) = extra {
            constraints.insert(Package::Base(project.clone()), Ranges::singleton(point.clone()));
            if !metadata.extras().contains(extra) {
                self.warn(format!("{project} {point} has no extra `{extra}`"));
            }
        }
        let markers = self.target.markers();
        for text in metadata.requires() {
            let requirement: Requirement = match text.parse() {
                Ok(requirement) => requirement,
                Err(error) => return Ok(Err(error.to_string())),
            };
            let applies = match extra {
                None => requirement.applies(markers, &[]),
                Some(extra) => {
                    requirement.applies(markers, std::slice::from_ref(extra))
                        && !requirement.applies(markers, &[])
                }
            };
            if !applies {
                continue;
            }
            if requirement.name() == project
                && !requirement.specifiers().contains(&Version(point.version().clone()))
            {
                return Ok(Err(format!("it requires another version of itself: {requirement}")));
            }
            if let Err(reason) = self.constrain(&mut constraints, &requirement, Some(project)) {
                return Ok(Err(reason));
            }
        }
        Ok(Ok(constraints))
    }

    /// Adds what one requirement asks for. A project never constrains itself.
    fn constrain(
        &self,
        constraints: &mut Constraints,
        requirement: &Requirement,
        dependent: Option<&ProjectName>,
    ) -> Result<(), String> {
        if requirement.url().is_some() {
            let shown = without_userinfo(&requirement.to_string());
            return Err(format!("requirements by URL are not supported yet: {shown}"));
        }
        let name = requirement.name();
        let itself = dependent == Some(name);
        let range = requirement.specifiers().ranges();
        let base = (!itself).then(|| Package::Base(name.clone()));
        let extras = requirement.extras().iter();
        let extras = extras.map(|extra| Package::Extra(name.clone(), extra.clone()));
        for package in base.into_iter().chain(extras) {
            let known = constraints.entry(package).or_insert_with(Ranges::full);
            *known = known.intersection(&range);
        }
        let mut learned = self.learned.borrow_mut();
        let next = learned.seen.len();
        if *learned.seen.entry(name.clone()).or_insert(next) == next {
            self.source.expect(name, requirement.specifiers());
        }
        Ok(())
    }

    fn root(&self) -> Result<Constraints, String> {
        let mut constraints = Constraints::new();
        let markers = self.target.markers();
        for requirement in self.requirements.iter().filter(|one| one.applies(markers, &[])) {
            self.constrain(&mut constraints, requirement, None)?;
        }
        Ok(constraints)
    }

    fn warn(&self, warning: String) {
        self.learned.borrow_mut().warnings.insert(warning);
    }
}

impl DependencyProvider for Provider<'_> {
    type P = Package;
    type V = Point;
    type VS = Ranges<Point>;
    type Priority = Priority;
    type M = String;
    type Err = Error;

    fn prioritize(
        &self,
        package: &Package,
        range: &Ranges<Point>,
        statistics: &PackageResolutionStatistics,
    ) -> Priority {
        let learned = self.learned.borrow();
        let seen = package.project().and_then(|project| learned.seen.get(project)).copied();
        (
            statistics.conflict_count() >= TROUBLE,
            single(range).is_some(),
            Reverse(seen.unwrap_or_default()),
        )
    }

    fn choose_version(
        &self,
        package: &Package,
        range: &Ranges<Point>,
    ) -> Result<Option<Point>, Error> {
        match package {
            Package::Root => Ok(Some(super::package::root_point())),
            Package::Base(project) | Package::Extra(project, _) => {
                self.choose_release(project, range)
            }
        }
    }

    fn get_dependencies(
        &self,
        package: &Package,
        version: &Point,
    ) -> Result<Dependencies<Package, Ranges<Point>, String>, Error> {
        let constraints = match package {
            Package::Root => self.root(),
            Package::Base(project) => self.dependencies(project, version, None)?,
            Package::Extra(project, extra) => self.dependencies(project, version, Some(extra))?,
        };
        Ok(match constraints {
            Ok(constraints) => Dependencies::Available(constraints.into_iter().collect()),
            Err(reason) => Dependencies::Unavailable(reason),
        })
    }
}
