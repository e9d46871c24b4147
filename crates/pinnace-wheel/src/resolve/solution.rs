//! The step from the solver's versions to files.

use std::collections::BTreeMap;

use super::{LocalPin, Pin, Resolution, package::Package, provider::Provider, solve::Solution};
use crate::{Error, ExtraName, MarkerVariable, ProjectName, version_key::VersionKey};

impl Provider<'_> {
    /// Turns a solution into a resolution: files, local projects and warnings.
    pub(super) fn resolution(&self, solution: Solution) -> Result<Resolution, Error> {
        let mut extras: BTreeMap<ProjectName, Vec<ExtraName>> = BTreeMap::new();
        for (package, _) in &solution {
            if let Package::Extra(project, extra) = package {
                extras.entry(project.clone()).or_default().push(extra.clone());
            }
        }
        let (mut pins, mut locals) = (Vec::new(), Vec::new());
        for (package, version) in &solution {
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
            pins.push(self.pin(project, version, extras)?);
        }
        pins.sort_by(|a, b| a.project().cmp(b.project()));
        locals.sort_by(|a, b| a.project.cmp(&b.project));
        let state = self.state.borrow();
        let changes = self.request.overrides.keys().chain(&self.request.excludes);
        let unused = changes.filter(|name| !state.used.contains(*name));
        let unused =
            unused.map(|name| format!("nothing requires {name}, which is overridden or excluded"));
        let warnings = state.warnings.iter().cloned().chain(unused).collect();
        let read =
            MarkerVariable::ALL.into_iter().filter(|variable| self.reads.contains(*variable));
        Ok(Resolution { pins, locals, warnings, markers_read: read.collect() })
    }

    fn pin(
        &self,
        project: &ProjectName,
        version: &VersionKey,
        extras: Vec<ExtraName>,
    ) -> Result<Pin, Error> {
        let file = self.chosen(project, version)?;
        if let Some(reason) = &file.yanked {
            let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
            self.warn(format!("{project} {version} is pinned, but was yanked{why}"));
        }
        let state = self.state.borrow();
        let by_address = state.projects.get(project).and_then(Option::as_ref);
        let parsed = state.parsed.get(&(project.clone(), version.clone()));
        let requires = parsed.map(|parsed| parsed.metadata.requires().map(str::to_owned).collect());
        let hashes = &self.request.files.hashes;
        Ok(Pin {
            project: project.clone(),
            file: (*file).clone(),
            extras,
            requires: requires.unwrap_or_default(),
            by_address: by_address.is_some_and(|known| known.address.is_some()),
            hashes: hashes.allowed.get(project).cloned().unwrap_or_default(),
        })
    }
}
