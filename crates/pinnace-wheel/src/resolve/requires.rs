//! The requirements of a project's version, as constraints for the solver.

use std::sync::Arc;

use super::{
    Dependencies, Unfit,
    candidate::excludes_python,
    package::{Package, Versions},
    provider::{Constraints, Parsed, Provider},
    reason::Reason,
};
use crate::{
    Error, ErrorKind, ExtraName, MarkerError, Metadata, ProjectName, Requirement,
    error::without_secrets, marker::EvaluationContext, version_key::VersionKey,
};

impl Provider<'_> {
    /// Returns the constraints of a package's version, or the reason why it cannot be used.
    pub(super) fn dependencies(
        &self,
        package: &Package,
        version: &VersionKey,
    ) -> Result<Result<Constraints, Reason>, Error> {
        let (project, extra) = match package {
            Package::Root => return self.root(),
            Package::Base(project) => (project, None),
            Package::Extra(project, extra) => (project, Some(extra)),
        };
        let parsed = match self.parsed(project, version)? {
            Ok(parsed) => parsed,
            Err(reason) => return Ok(Err(reason)),
        };
        let mut constraints = Constraints::new();
        if let Some(extra) = extra {
            let base = Package::Base(project.clone());
            constraints.insert(base, Versions::singleton(version.clone()));
            if !parsed.metadata.extras().contains(extra) {
                self.warn(format!("{project} {version} has no extra `{extra}`"));
            }
        }
        if self.ignores_dependencies_of(project) {
            return Ok(Ok(constraints));
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
                    let reason = format!("cannot evaluate `{requirement}`: {error}");
                    return Ok(Err(Reason::Text(reason)));
                }
                Err(error) => return Err(marker_error(requirement, error)),
            }
            let own = requirement.name() == project;
            if own && !requirement.specifiers().ranges().contains(version) {
                let reason = format!("it requires another version of itself: {requirement}");
                return Ok(Err(Reason::Text(reason)));
            }
            if let Err(reason) = self.constrain(&mut constraints, requirement, Some(project)) {
                return Ok(Err(reason));
            }
        }
        Ok(Ok(constraints))
    }

    /// Returns true if the requirements of a project are ignored.
    fn ignores_dependencies_of(&self, project: &ProjectName) -> bool {
        let request = self.request;
        request.dependencies == Dependencies::Ignored && !request.locals.contains_key(project)
    }

    /// Checks whether a requirement applies. With an extra, it must apply because of the extra.
    fn applies_for(
        &self,
        requirement: &Requirement,
        extra: Option<&ExtraName>,
    ) -> Result<bool, MarkerError> {
        let evaluate = |extra| {
            requirement.applies_when(&EvaluationContext::new(
                self.target.markers(),
                extra,
                &self.reads,
            ))
        };
        Ok(evaluate(extra)? && (extra.is_none() || !evaluate(None)?))
    }

    pub(super) fn applies(
        &self,
        requirement: &Requirement,
        extra: Option<&ExtraName>,
    ) -> Result<bool, Error> {
        self.applies_for(requirement, extra).map_err(|error| marker_error(requirement, error))
    }

    fn parsed(
        &self,
        project: &ProjectName,
        version: &VersionKey,
    ) -> Result<Result<Arc<Parsed>, Reason>, Error> {
        let key = (project.clone(), version.clone());
        if let Some(parsed) = self.state.borrow().parsed.get(&key) {
            return Ok(Ok(Arc::clone(parsed)));
        }
        let metadata = match self.metadata(project, version)? {
            Ok(metadata) => metadata,
            Err(reason) => return Ok(Err(reason)),
        };
        let parse = |text| Requirement::parse_lenient(text).map_err(|error| error.to_string());
        let requirements = metadata.requires().map(parse).collect();
        let parsed = Arc::new(Parsed { metadata, requirements });
        self.state.borrow_mut().parsed.insert(key, Arc::clone(&parsed));
        Ok(Ok(parsed))
    }

    fn metadata(
        &self,
        project: &ProjectName,
        version: &VersionKey,
    ) -> Result<Result<Arc<Metadata>, Reason>, Error> {
        if let Some(local) = self.request.locals.get(project) {
            return Ok(self.for_this_python(Arc::new(local.metadata.clone())));
        }
        let file = self.chosen(project, version)?;
        let metadata = match self.source.metadata(&file) {
            Ok(Some(metadata)) => metadata,
            Ok(None) => {
                let sdist = file.artifact.file_name().to_owned();
                let tags = self.incompatible_tags(project, version)?;
                return Ok(Err(Reason::Unfit(Unfit::NeedsBuild { sdist, tags })));
            }
            // One bad release does not make its project unusable.
            Err(error) => match error.kind() {
                ErrorKind::Metadata { reason, .. } => return Ok(Err(Reason::text(reason))),
                _ => return Err(error),
            },
        };
        Ok(self.for_this_python(metadata))
    }

    fn for_this_python(&self, metadata: Arc<Metadata>) -> Result<Arc<Metadata>, Reason> {
        match metadata.requires_python().filter(|it| excludes_python(it, self.target)) {
            Some(text) => Err(Reason::Unfit(Unfit::RequiresPython(text.to_owned()))),
            None => Ok(metadata),
        }
    }

    /// Adds the constraints of one requirement. A project never constrains itself.
    fn constrain(
        &self,
        constraints: &mut Constraints,
        requirement: &Requirement,
        dependent: Option<&ProjectName>,
    ) -> Result<(), Reason> {
        let name = requirement.name();
        if self.request.excludes.contains(name) {
            self.state.borrow_mut().used.insert(name.clone());
            return Ok(());
        }
        let Some(overrides) = self.request.overrides.get(name).filter(|_| dependent != Some(name))
        else {
            return self.constrain_as(constraints, requirement, dependent);
        };
        self.state.borrow_mut().used.insert(name.clone());
        for replacement in overrides {
            if self
                .applies_for(replacement, None)
                .map_err(|error| Reason::Text(error.to_string()))?
            {
                let extras =
                    requirement.extras().iter().chain(replacement.extras()).cloned().collect();
                self.constrain_as(
                    constraints,
                    &replacement.clone().with_extras(extras),
                    dependent,
                )?;
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
            && !self.request.locals.contains_key(name)
            && !requirement.url().is_some_and(|url| url.contains("sha256="))
        {
            let reason = format!(
                "`{name}` is required without a hash; if one requirement has a hash, or with \
                 `--require-hashes`, all need one"
            );
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
        self.record_seen(requirement);
        Ok(())
    }

    /// Checks an address: only the request may name the address of a project.
    fn check_address(&self, requirement: &Requirement) -> Result<(), Reason> {
        let (name, Some(url)) = (requirement.name(), requirement.url()) else { return Ok(()) };
        let state = self.state.borrow();
        let known = state.projects.get(name).and_then(Option::as_ref);
        if known.is_some_and(|known| known.address.as_deref() == Some(url)) {
            return Ok(());
        }
        let shown = without_secrets(url);
        Err(Reason::Text(format!(
            "it requires `{name}` from `{shown}`, but only the request may name addresses; \
             add `{name} @ {shown}` to it"
        )))
    }

    /// Records a project as seen and prefetches its page. Projects seen first are decided first.
    fn record_seen(&self, requirement: &Requirement) {
        let name = requirement.name();
        let mut state = self.state.borrow_mut();
        if state.seen.contains_key(name) {
            return;
        }
        let next = state.seen.len();
        state.seen.insert(name.clone(), next);
        for entry in self.request.constraints.iter().filter(|it| it.requirement.name() == name) {
            // A constraint whose marker cannot be evaluated limits nothing.
            if self.applies_for(&entry.requirement, None).unwrap_or_default() {
                let excluded = entry.requirement.specifiers().ranges().complement();
                state.limits.push((name.clone(), excluded, Reason::Constraint(entry.to_string())));
            }
        }
        if !state.projects.contains_key(name) && !self.request.locals.contains_key(name) {
            self.source.prefetch(name, requirement.specifiers());
        }
    }

    /// Returns the versions that the request's constraints forbid, for projects seen since the last
    /// call.
    pub(super) fn new_limits(&self) -> Vec<(ProjectName, Versions, Reason)> {
        std::mem::take(&mut self.state.borrow_mut().limits)
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
}

fn marker_error(requirement: &Requirement, source: MarkerError) -> Error {
    ErrorKind::Marker { requirement: requirement.to_string(), source }.into()
}
