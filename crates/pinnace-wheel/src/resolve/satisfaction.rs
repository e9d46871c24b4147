//! A check of pinned versions against a request. It uses only the request itself, no index.

use std::collections::{BTreeMap, BTreeSet};

use super::{Request, candidate::excludes_python};
use crate::{Error, ErrorKind, ExtraName, ProjectName, Requirement, Target, Version};

/// The result of a check of pinned versions against a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Satisfaction {
    /// The pins satisfy all requirements of the request, with these extras. The requirements of the
    /// pinned projects are not checked.
    Satisfied(BTreeMap<ProjectName, BTreeSet<ExtraName>>),
    /// The pins do not satisfy a requirement.
    Unsatisfied {
        /// The requirement.
        requirement: String,
        /// The pinned version, if there is one.
        found: Option<Version>,
    },
}

impl Request {
    /// Checks whether pinned versions, such as those of a lock, satisfy the request on a platform.
    /// The check covers the requirements of the request, those of local projects, and their extras.
    ///
    /// ```
    /// use pinnace_wheel::{Satisfaction, Request, Target};
    ///
    /// let target: Target = "manylinux_2_28_x86_64-cp312".parse()?;
    /// let request = Request::new(["flask>=3".parse()?]);
    /// let pins = [("flask".parse()?, "2.0".parse()?)].into();
    /// assert!(matches!(request.covered_by(&pins, &target)?, Satisfaction::Unsatisfied { .. }));
    /// # Ok::<(), pinnace_wheel::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Marker`] if a marker reads a variable that the platform does not
    /// define. Returns [`ErrorKind::Parse`] if a requirement of a local project is malformed.
    pub fn covered_by(
        &self,
        pins: &BTreeMap<ProjectName, Version>,
        target: &Target,
    ) -> Result<Satisfaction, Error> {
        let (seen, extras) = Default::default();
        let mut walk = Walk { request: self, pins, target, seen, extras };
        for entry in &self.requirements {
            if let Some(unsatisfied) = walk.requirement(&entry.requirement, &[])? {
                return Ok(unsatisfied);
            }
        }
        Ok(Satisfaction::Satisfied(walk.extras))
    }
}

struct Walk<'w> {
    request: &'w Request,
    pins: &'w BTreeMap<ProjectName, Version>,
    target: &'w Target,
    /// The visited local projects, with the extras they were visited with.
    seen: BTreeSet<(ProjectName, Vec<ExtraName>)>,
    extras: BTreeMap<ProjectName, BTreeSet<ExtraName>>,
}

impl Walk<'_> {
    /// Checks a requirement of a project that is requested with these extras. Returns `None` if the
    /// pins satisfy it.
    fn requirement(
        &mut self,
        requirement: &Requirement,
        extras: &[ExtraName],
    ) -> Result<Option<Satisfaction>, Error> {
        let name = requirement.name();
        if self.request.excludes.contains(name) || !self.applies(requirement, extras)? {
            return Ok(None);
        }
        match self.request.overrides.get(name) {
            None => self.single(requirement),
            Some(instead) => {
                for replacement in instead {
                    if self.applies(replacement, &[])?
                        && let Some(unsatisfied) = self.single(replacement)?
                    {
                        return Ok(Some(unsatisfied));
                    }
                }
                Ok(None)
            }
        }
    }

    fn single(&mut self, requirement: &Requirement) -> Result<Option<Satisfaction>, Error> {
        let name = requirement.name();
        if self.request.locals.contains_key(name) {
            return self.local(name, requirement.extras());
        }
        let found = self.pins.get(name);
        let will_do = found.is_some_and(|version| {
            requirement.url().is_some()
                || requirement.specifiers().ranges().contains(&version.key())
        });
        if will_do {
            let extras = self.extras.entry(name.clone()).or_default();
            extras.extend(requirement.extras().iter().cloned());
            return Ok(None);
        }
        let requirement = crate::error::without_secrets(&requirement.to_string());
        Ok(Some(Satisfaction::Unsatisfied { requirement, found: found.cloned() }))
    }

    fn local(
        &mut self,
        name: &ProjectName,
        extras: &[ExtraName],
    ) -> Result<Option<Satisfaction>, Error> {
        let request = self.request;
        let Some(local) = request.locals.get(name) else { return Ok(None) };
        if !self.seen.insert((name.clone(), extras.to_vec())) {
            return Ok(None);
        }
        let python = local.metadata.requires_python();
        if let Some(python) = python.filter(|text| excludes_python(text, self.target)) {
            let requirement = format!("Python {python} ({name})");
            let found = Some(self.target.python().clone());
            return Ok(Some(Satisfaction::Unsatisfied { requirement, found }));
        }
        for text in local.metadata.requires() {
            let requirement = Requirement::parse_lenient(text)?;
            if let Some(unsatisfied) = self.requirement(&requirement, extras)? {
                return Ok(Some(unsatisfied));
            }
        }
        Ok(None)
    }

    fn applies(&self, requirement: &Requirement, extras: &[ExtraName]) -> Result<bool, Error> {
        requirement.applies(self.target.markers(), extras).map_err(|source| {
            let requirement = requirement.to_string();
            ErrorKind::Marker { requirement, source }.into()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Metadata;

    #[test]
    fn projects_that_are_here_are_followed_with_their_extras() {
        let target: Target = "manylinux_2_28_x86_64-3.12.1".parse().unwrap();
        let texts =
            |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        let app = Metadata::new("app".parse().unwrap(), "1".parse().unwrap()).requiring(
            texts(&[
                "lib[x]",
                "app[more]",
                "a>=1 ; extra == 'more'",
                "w ; sys_platform == 'win32'",
            ]),
            vec!["more".parse().unwrap()],
        );
        let lib = Metadata::new("lib".parse().unwrap(), "1".parse().unwrap())
            .requiring(texts(&["b[y]==1.0a1 ; extra == 'x'", "c<2"]), Vec::new());
        let request =
            Request::new(["app".parse().unwrap()]).with_local(app, "app").with_local(lib, "lib");
        let coverage = |request: &Request, pins: &[(&str, &str)]| {
            let pins = pins
                .iter()
                .map(|(name, version)| (name.parse().unwrap(), version.parse().unwrap()));
            match request.covered_by(&pins.collect(), &target).unwrap() {
                Satisfaction::Satisfied(extras) => {
                    format!("{:?}", extras.values().flatten().count())
                }
                Satisfaction::Unsatisfied { requirement, .. } => requirement,
            }
        };
        assert_eq!(coverage(&request, &[("a", "1"), ("b", "1.0a1"), ("c", "1")]), "1");
        assert!(coverage(&request, &[("a", "1"), ("c", "1")]).starts_with("b[y]"));
        assert!(coverage(&request, &[("a", "1"), ("b", "1.0a2"), ("c", "1")]).starts_with("b[y]"));
        assert!(coverage(&request, &[("b", "1.0a1"), ("c", "1")]).starts_with('a'));
        let pins = [("a", "1"), ("b", "1.0a1"), ("c", "2")];
        assert_eq!(coverage(&request, &pins), "c<2");
        assert_eq!(coverage(&request.clone().replace("c==2".parse().unwrap()), &pins), "1");
        assert_eq!(coverage(&request.exclude("c".parse().unwrap()), &pins[..2]), "1");
    }
}
