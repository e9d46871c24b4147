//! What the solver knows: which versions there are, and what each requires.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::{
    Candidates, Choice, LocalPin, Pin, Prereleases, Request, Resolution, Unfit, Yanked,
    candidate::excludes_python,
    explain::Reason,
    package::{Package, root_point},
    solve::{Solution, Versions},
};
use crate::{
    Error, ErrorKind, ExtraName, File, MarkerError, MarkerVariable, Metadata, Project, ProjectName,
    Release, Requirement, Source, Target, Version,
    error::without_secrets,
    marker::{Asked, Reads},
    point::Point,
    range::single,
};

pub(super) type Constraints = BTreeMap<Package, Versions>;

/// Answers to the solver's questions, and what was learned on the way. All of it is a function of the
/// request and the source alone.
pub(crate) struct Knowledge<'a> {
    source: &'a dyn Source,
    pub(super) request: &'a Request,
    target: &'a Target,
    reads: Reads,
    learned: RefCell<Learned>,
}

#[derive(Default)]
struct Learned {
    known: BTreeMap<ProjectName, Option<Arc<Known>>>,
    chosen: BTreeMap<(ProjectName, Point), Arc<File>>,
    parsed: BTreeMap<(ProjectName, Point), Arc<Parsed>>,
    /// The version of each project that was decided last: what its extras try first.
    decided: BTreeMap<ProjectName, Point>,
    unfit: BTreeMap<ProjectName, BTreeMap<Version, Unfit>>,
    seen: BTreeMap<ProjectName, usize>,
    /// Limits that the solver has not been told yet.
    limits: Vec<(ProjectName, Versions, Reason)>,
    /// How many versions of a project were tried.
    tried: BTreeMap<ProjectName, usize>,
    warnings: BTreeSet<String>,
}

/// A project, and where its releases stand, in ascending order.
struct Known {
    project: Arc<Project>,
    points: Vec<Point>,
    /// The address that the request names for it.
    address: Option<String>,
}

/// Metadata whose requirements are parsed. A malformed one makes its release unusable.
struct Parsed {
    metadata: Arc<Metadata>,
    requirements: Vec<Result<Requirement, String>>,
}

impl<'a> Knowledge<'a> {
    pub(crate) fn new(
        source: &'a dyn Source,
        request: &'a Request,
        target: &'a Target,
    ) -> Result<Self, Error> {
        let (reads, learned) = (Reads::default(), RefCell::default());
        let knowledge = Self { source, request, target, reads, learned };
        for requirement in request.requirements() {
            if requirement.url().is_some() && knowledge.applies(requirement, None)? {
                knowledge.learn_address(requirement)?;
            }
        }
        // Code that is here may name addresses, too.
        let local = request.locals.values().flat_map(|local| local.metadata.requires());
        for text in local.filter(|text| text.contains('@')) {
            let requirement: Requirement = text.parse()?;
            let extras = requirement.marker().is_some_and(|it| it.to_string().contains("extra"));
            if requirement.url().is_some() && (extras || knowledge.applies(&requirement, None)?) {
                knowledge.learn_address(&requirement)?;
            }
        }
        Ok(knowledge)
    }

    /// What the request names an address for is there, and nowhere else.
    fn learn_address(&self, requirement: &Requirement) -> Result<(), Error> {
        let (name, url) = (requirement.name(), requirement.url().unwrap_or_default());
        let file = self.source.direct(name, url)?;
        let project = Arc::new(Project::new([file]));
        let points = project.releases().iter().map(|release| release.point().clone()).collect();
        let known = Arc::new(Known { project, points, address: Some(url.to_owned()) });
        let before = self.learned.borrow_mut().known.insert(name.clone(), Some(known));
        match before.flatten().and_then(|known| known.address.clone()) {
            Some(other) if other != url => {
                let reason =
                    format!("`{name}` is required from `{}`, too", without_secrets(&other));
                Err(Error::parse("URL for a project that has none yet", url, reason))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.source.is_cancelled()
    }

    fn known(&self, name: &ProjectName) -> Result<Option<Arc<Known>>, Error> {
        if let Some(known) = self.learned.borrow().known.get(name) {
            return Ok(known.clone());
        }
        let found = self.source.project(name)?.filter(|found| !found.releases().is_empty());
        let known = found.map(|project| {
            let points =
                project.releases().iter().rev().map(|release| release.point().clone()).collect();
            Arc::new(Known { project, points, address: None })
        });
        self.learned.borrow_mut().known.insert(name.clone(), known.clone());
        Ok(known)
    }

    /// When a package was first seen; a base comes before its extras.
    pub(super) fn rank(&self, package: &Package) -> (usize, bool) {
        let learned = self.learned.borrow();
        let seen = package.project().and_then(|project| learned.seen.get(project));
        (seen.copied().unwrap_or_default(), matches!(package, Package::Extra(..)))
    }

    /// The version to try next; `None` if no version in the range will do.
    pub(super) fn choose(
        &self,
        package: &Package,
        range: &Versions,
    ) -> Result<Option<Point>, Error> {
        let project = match package {
            Package::Root => return Ok(Some(root_point())),
            Package::Base(project) => project,
            Package::Extra(project, _) => {
                let decided = self.learned.borrow().decided.get(project).cloned();
                match decided.filter(|point| range.contains(point)) {
                    Some(point) => return Ok(Some(point)),
                    None => project,
                }
            }
        };
        let chosen = match self.request.locals.get(project) {
            Some(local) => Some(local.metadata.version().point()).filter(|it| range.contains(it)),
            None => self.choose_release(project, range)?,
        };
        if let Some(point) = &chosen {
            self.learned.borrow_mut().decided.insert(project.clone(), point.clone());
        }
        Ok(chosen)
    }

    /// The first release that will do: the preferred one, then stable ones, newest first.
    fn choose_release(
        &self,
        project: &ProjectName,
        range: &Versions,
    ) -> Result<Option<Point>, Error> {
        let Some(known) = self.known(project)? else { return Ok(None) };
        let releases = known.project.releases();
        let in_range = || releases.iter().filter(|release| range.contains(release.point()));
        let preferred = self.request.preferences.get(project);
        let mut yanked = if single(range).is_some() { Yanked::Allowed } else { Yanked::Refused };
        if let Some(preferred) = preferred {
            // What a lock has may have been yanked since.
            let first = in_range().filter(|release| release.version() == preferred);
            if let Some(point) = self.first_fit(project, Yanked::Allowed, first)? {
                return Ok(Some(point));
            }
        }
        if known.address.is_some() {
            yanked = Yanked::Allowed;
        }
        if self.request.prereleases == Prereleases::Allowed {
            return self.first_fit(project, yanked, in_range());
        }
        let is_prerelease = |release: &&Release| release.version().is_prerelease();
        match self.first_fit(project, yanked, in_range().filter(|one| !is_prerelease(one)))? {
            Some(point) => Ok(Some(point)),
            None => self.first_fit(project, yanked, in_range().filter(is_prerelease)),
        }
    }

    fn first_fit<'r>(
        &self,
        project: &ProjectName,
        yanked: Yanked,
        mut releases: impl Iterator<Item = &'r Release>,
    ) -> Result<Option<Point>, Error> {
        while let Some(release) = releases.next() {
            let point = release.point().clone();
            match self.candidates().choose(project, release, yanked)? {
                Choice::File(file) => {
                    let key = (project.clone(), point.clone());
                    self.learned.borrow_mut().chosen.insert(key, Arc::new(*file));
                    self.expect_more(project, yanked, releases)?;
                    return Ok(Some(point));
                }
                Choice::Unfit(unfit) => {
                    let mut learned = self.learned.borrow_mut();
                    let unfits = learned.unfit.entry(project.clone()).or_default();
                    unfits.insert(release.version().clone(), unfit);
                }
            }
        }
        Ok(None)
    }

    fn candidates(&self) -> Candidates<'_> {
        Candidates { target: self.target, rules: &self.request.files }
    }

    /// Asks for the metadata of the next versions at once where a project is gone through version by
    /// version: after 5, 10, 20 tries, and every 20 from then on.
    fn expect_more<'r>(
        &self,
        project: &ProjectName,
        yanked: Yanked,
        releases: impl Iterator<Item = &'r Release>,
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
            if let Choice::File(file) = self.candidates().choose(project, release, yanked)? {
                files.push(*file);
            }
        }
        self.source.expect_metadata(files);
        Ok(())
    }

    /// What a version of a package requires, or why it cannot be used.
    pub(super) fn dependencies(
        &self,
        package: &Package,
        point: &Point,
    ) -> Result<Result<Constraints, Reason>, Error> {
        let (project, extra) = match package {
            Package::Root => return self.root(),
            Package::Base(project) => (project, None),
            Package::Extra(project, extra) => (project, Some(extra)),
        };
        let parsed = match self.parsed(project, point)? {
            Ok(parsed) => parsed,
            Err(reason) => return Ok(Err(reason)),
        };
        let mut constraints = Constraints::new();
        if let Some(extra) = extra {
            let base = Package::Base(project.clone());
            constraints.insert(base, Versions::singleton(point.clone()));
            if !parsed.metadata.extras().contains(extra) {
                self.warn(format!("{project} {point} has no extra `{extra}`"));
            }
        }
        for requirement in &parsed.requirements {
            let requirement = match requirement {
                Ok(requirement) => requirement,
                Err(reason) => return Ok(Err(Reason::text(reason))),
            };
            match self.applies_for(requirement, extra) {
                Ok(true) => {}
                Ok(false) => continue,
                Err(error @ MarkerError::Undefined(_)) => {
                    let reason = format!("`{requirement}` cannot be understood: {error}");
                    return Ok(Err(Reason::Text(reason)));
                }
                Err(error) => return Err(marker_error(requirement, error)),
            }
            let own = requirement.name() == project;
            if own && !requirement.specifiers().ranges().contains(point) {
                let reason = format!("it requires another version of itself: {requirement}");
                return Ok(Err(Reason::Text(reason)));
            }
            if let Err(reason) = self.constrain(&mut constraints, requirement, Some(project)) {
                return Ok(Err(reason));
            }
        }
        Ok(Ok(constraints))
    }

    /// Without an extra: whether it applies; with one: whether it applies because of that.
    fn applies_for(
        &self,
        requirement: &Requirement,
        extra: Option<&ExtraName>,
    ) -> Result<bool, MarkerError> {
        let evaluate = |extra| {
            requirement.applies_when(&Asked::new(self.target.markers(), extra, &self.reads))
        };
        Ok(evaluate(extra)? && (extra.is_none() || !evaluate(None)?))
    }

    fn applies(&self, requirement: &Requirement, extra: Option<&ExtraName>) -> Result<bool, Error> {
        self.applies_for(requirement, extra).map_err(|error| marker_error(requirement, error))
    }

    fn parsed(
        &self,
        project: &ProjectName,
        point: &Point,
    ) -> Result<Result<Arc<Parsed>, Reason>, Error> {
        let key = (project.clone(), point.clone());
        if let Some(parsed) = self.learned.borrow().parsed.get(&key) {
            return Ok(Ok(Arc::clone(parsed)));
        }
        let metadata = match self.metadata(project, point)? {
            Ok(metadata) => metadata,
            Err(reason) => return Ok(Err(reason)),
        };
        let parse = |text| Requirement::parse_lenient(text).map_err(|error| error.to_string());
        let requirements = metadata.requires().map(parse).collect();
        let parsed = Arc::new(Parsed { metadata, requirements });
        self.learned.borrow_mut().parsed.insert(key, Arc::clone(&parsed));
        Ok(Ok(parsed))
    }

    fn metadata(
        &self,
        project: &ProjectName,
        point: &Point,
    ) -> Result<Result<Arc<Metadata>, Reason>, Error> {
        if let Some(local) = self.request.locals.get(project) {
            return Ok(Ok(Arc::new(local.metadata.clone())));
        }
        let file = self.chosen(project, point)?;
        let metadata = match self.source.metadata(&file) {
            Ok(Some(metadata)) => metadata,
            Ok(None) => {
                let sdist = file.artifact.file_name().to_owned();
                return Ok(Err(Reason::Unfit(Unfit::NeedsBuild { sdist })));
            }
            // One bad release does not make its project unusable.
            Err(error) => match error.kind() {
                ErrorKind::Metadata { reason, .. } => return Ok(Err(Reason::text(reason))),
                _ => return Err(error),
            },
        };
        Ok(match metadata.requires_python().filter(|it| excludes_python(it, self.target)) {
            Some(text) => Err(Reason::Unfit(Unfit::RequiresPython(text.to_owned()))),
            None => Ok(metadata),
        })
    }

    /// Adds what one requirement asks for. A project never constrains itself.
    fn constrain(
        &self,
        constraints: &mut Constraints,
        requirement: &Requirement,
        dependent: Option<&ProjectName>,
    ) -> Result<(), Reason> {
        let name = requirement.name();
        if self.request.excludes.contains(name) {
            return Ok(());
        }
        let Some(overrides) = self.request.overrides.get(name).filter(|_| dependent != Some(name))
        else {
            return self.constrain_as(constraints, requirement, dependent);
        };
        for one in overrides {
            if self.applies_for(one, None).map_err(|error| Reason::Text(error.to_string()))? {
                let extras = requirement.extras().iter().chain(one.extras()).cloned().collect();
                self.constrain_as(constraints, &one.clone().with_extras(extras), dependent)?;
            }
        }
        Ok(())
    }

    fn constrain_as(
        &self,
        constraints: &mut Constraints,
        requirement: &Requirement,
        dependent: Option<&ProjectName>,
    ) -> Result<(), Reason> {
        let name = requirement.name();
        self.check_address(requirement)?;
        if self.request.files.hashes.required
            && !self.request.files.hashes.allowed.contains_key(name)
        {
            let reason =
                format!("`{name}` is required without a hash, which `--require-hashes` forbids");
            return Err(Reason::Text(reason));
        }
        let range = requirement.specifiers().ranges();
        let itself = dependent == Some(name);
        let base = (!itself).then(|| Package::Base(name.clone()));
        let extras = requirement.extras().iter();
        let extras = extras.map(|extra| Package::Extra(name.clone(), extra.clone()));
        for package in base.into_iter().chain(extras) {
            let known = constraints.entry(package).or_insert_with(Versions::full);
            *known = known.intersection(&range);
        }
        self.see(requirement);
        Ok(())
    }

    /// Only the request may say where a project is.
    fn check_address(&self, requirement: &Requirement) -> Result<(), Reason> {
        let (name, Some(url)) = (requirement.name(), requirement.url()) else { return Ok(()) };
        let learned = self.learned.borrow();
        let known = learned.known.get(name).and_then(Option::as_ref);
        if known.is_some_and(|known| known.address.as_deref() == Some(url)) {
            return Ok(());
        }
        let shown = without_secrets(url);
        Err(Reason::Text(format!(
            "it requires `{name}` from `{shown}`, and only the request may name addresses; \
             require `{name} @ {shown}` there"
        )))
    }

    /// What is seen first is decided first; its page will soon be wanted.
    fn see(&self, requirement: &Requirement) {
        let name = requirement.name();
        let mut learned = self.learned.borrow_mut();
        if learned.seen.contains_key(name) {
            return;
        }
        let next = learned.seen.len();
        learned.seen.insert(name.clone(), next);
        for asked in self.request.constraints.iter().filter(|it| it.requirement.name() == name) {
            // A constraint whose marker cannot be evaluated limits nothing.
            if self.applies_for(&asked.requirement, None).unwrap_or_default() {
                let excluded = asked.requirement.specifiers().ranges().complement();
                learned.limits.push((
                    name.clone(),
                    excluded,
                    Reason::Constraint(asked.to_string()),
                ));
            }
        }
        if !learned.known.contains_key(name) && !self.request.locals.contains_key(name) {
            self.source.expect(name, requirement.specifiers());
        }
    }

    /// What the request's constraints forbid, for projects that were seen since the last call.
    pub(super) fn new_limits(&self) -> Vec<(ProjectName, Versions, Reason)> {
        std::mem::take(&mut self.learned.borrow_mut().limits)
    }

    fn root(&self) -> Result<Result<Constraints, Reason>, Error> {
        let mut constraints = Constraints::new();
        for requirement in self.request.requirements() {
            if !self.applies(requirement, None)? {
                continue;
            }
            if let Err(reason) = self.constrain(&mut constraints, requirement, None) {
                return Ok(Err(reason));
            }
        }
        Ok(Ok(constraints))
    }

    /// The range with its ends moved to the next versions that exist: what holds for a version holds
    /// for the gap around it, and ranges without gaps are cheap.
    pub(super) fn widen(&self, package: &Package, range: &Versions) -> Result<Versions, Error> {
        let Some(project) = package.project() else { return Ok(range.clone()) };
        if self.request.locals.contains_key(project) {
            return Ok(range.clone());
        }
        Ok(self.known(project)?.map_or(range.clone(), |known| range.widen_versions(&known.points)))
    }

    /// The range in fewer words, for the same versions of those that exist and are asked for.
    pub(super) fn simplify(&self, project: &ProjectName, range: &Versions) -> Versions {
        let learned = self.learned.borrow();
        let Some(known) = learned.known.get(project).and_then(Option::as_ref) else {
            return range.clone();
        };
        let asked = self.request.requirements().filter(|one| one.name() == project);
        let asked =
            asked.fold(Versions::full(), |all, one| all.intersection(&one.specifiers().ranges()));
        let points: Vec<&Point> = known.points.iter().filter(|it| asked.contains(*it)).collect();
        range.simplify(points.iter().copied()).narrow_versions(&points)
    }

    /// The newest version of a project in a range.
    pub(super) fn newest_in(&self, project: &ProjectName, range: &Versions) -> Option<Point> {
        let learned = self.learned.borrow();
        let known = learned.known.get(project)?.as_ref()?;
        known.points.iter().rev().find(|point| range.contains(*point)).cloned()
    }

    /// Why releases of a project were passed over, newest first.
    pub(super) fn unfit(&self, project: &ProjectName) -> Vec<(Version, Unfit)> {
        let learned = self.learned.borrow();
        let releases = learned.unfit.get(project).into_iter().flatten().rev();
        releases.map(|(version, unfit)| (version.clone(), unfit.clone())).collect()
    }

    /// The newest version of a project; `Err` if there is no such project.
    pub(super) fn newest(&self, project: &ProjectName) -> Result<Option<Version>, ()> {
        match self.learned.borrow().known.get(project) {
            Some(None) => Err(()),
            Some(Some(known)) => {
                Ok(known.project.releases().first().map(|one| one.version().clone()))
            }
            None => Ok(None),
        }
    }

    fn chosen(&self, project: &ProjectName, point: &Point) -> Result<Arc<File>, Error> {
        let key = (project.clone(), point.clone());
        let unchosen = || Error::parse("chosen version", &point.to_string(), "it was not chosen");
        self.learned.borrow().chosen.get(&key).cloned().ok_or_else(unchosen)
    }

    fn warn(&self, warning: String) {
        self.learned.borrow_mut().warnings.insert(warning);
    }

    /// The files of a solution.
    pub(super) fn resolution(&self, solution: Solution) -> Result<Resolution, Error> {
        let mut extras: BTreeMap<ProjectName, Vec<ExtraName>> = BTreeMap::new();
        for (package, _) in &solution {
            if let Package::Extra(project, extra) = package {
                extras.entry(project.clone()).or_default().push(extra.clone());
            }
        }
        let (mut pins, mut locals) = (Vec::new(), Vec::new());
        for (package, point) in &solution {
            let Package::Base(project) = package else { continue };
            if let Some(local) = self.request.locals.get(project) {
                locals.push(LocalPin {
                    project: project.clone(),
                    version: local.metadata.version().clone(),
                    path: local.path.to_string(),
                });
                continue;
            }
            let mut extras = extras.remove(project).unwrap_or_default();
            extras.sort();
            pins.push(self.pin(project, point, extras)?);
        }
        pins.sort_by(|a, b| a.project().cmp(b.project()));
        locals.sort_by(|a, b| a.project.cmp(&b.project));
        let warnings = self.learned.borrow().warnings.iter().cloned().collect();
        let read = MarkerVariable::ALL.into_iter().filter(|one| self.reads.contains(*one));
        Ok(Resolution { pins, locals, warnings, markers_read: read.collect() })
    }

    fn pin(
        &self,
        project: &ProjectName,
        point: &Point,
        extras: Vec<ExtraName>,
    ) -> Result<Pin, Error> {
        let file = self.chosen(project, point)?;
        if let Some(reason) = &file.yanked {
            let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
            self.warn(format!("{project} {point} is pinned, but was yanked{why}"));
        }
        let learned = self.learned.borrow();
        let by_address = learned.known.get(project).and_then(Option::as_ref);
        let parsed = learned.parsed.get(&(project.clone(), point.clone()));
        let requires = parsed.map(|parsed| parsed.metadata.requires().map(str::to_owned).collect());
        Ok(Pin {
            project: project.clone(),
            file: (*file).clone(),
            extras,
            requires: requires.unwrap_or_default(),
            by_address: by_address.is_some_and(|known| known.address.is_some()),
        })
    }
}

fn marker_error(requirement: &Requirement, source: MarkerError) -> Error {
    ErrorKind::Marker { requirement: requirement.to_string(), source }.into()
}
