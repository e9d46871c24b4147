//! The target platforms of a build.

use std::{collections::BTreeSet, fs, path::Path};

use pinnace_pex::{InterpreterConstraint, Pex};
use pinnace_wheel::{Implementation, MarkerVariable, Platform, Python, Specifiers, Target};

use crate::{Cache, Env, Error, ErrorKind, interpreters::interpreter};

/// The platforms that a caller names. The default is the platform of `python3`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct PlatformSpec {
    /// Interpreters to build for: paths, names on PATH, or versions.
    pub pythons: Vec<String>,
    /// Platforms such as `linux_x86_64-cp311`. A platform without a version takes that of the first interpreter.
    pub platforms: Vec<String>,
    /// Complete platforms, as paths of files or as JSON.
    pub complete_platforms: Vec<String>,
    /// Values of markers that platforms leave open, as `NAME=VALUE`.
    pub markers: Vec<String>,
}

impl PlatformSpec {
    /// Returns true if the specification names no interpreter and no platform.
    pub fn is_empty(&self) -> bool {
        self.pythons.is_empty() && self.platforms.is_empty() && self.complete_platforms.is_empty()
    }

    /// Returns true if the specification names at most a version of Python.
    pub fn has_no_platform(&self) -> bool {
        self.platforms.is_empty() && self.complete_platforms.is_empty() && self.pythons.len() < 2
    }

    /// Returns the interpreter that completes platforms without a version, and whose pip supplies the default
    /// index.
    pub fn python(&self) -> Option<&str> {
        self.pythons.first().map(String::as_str)
    }
}

/// Returns the platforms that the caller names, else that of the default interpreter.
///
/// # Errors
///
/// Returns an error if a platform is malformed, or an interpreter is missing.
pub fn targets(spec: &PlatformSpec, env: &Env, cache: &Cache) -> Result<Vec<Target>, Error> {
    let mut targets = Vec::new();
    // A bare version beside a platform need not be an interpreter of this machine.
    let python = spec.python();
    let version = python.and_then(|text| text.parse::<Python>().ok());
    for text in &spec.platforms {
        let alone = version.is_none() && text.parse::<Platform>().is_ok();
        let python = if alone { Some(version_of(python, env, cache)?) } else { version.clone() };
        targets.push(Target::parse_with(text, python.as_ref())?);
    }
    for file in &spec.complete_platforms {
        let json = if file.starts_with('{') { file.clone() } else { read(&env.folder.join(file))? };
        targets.push(Target::from_complete_platform(&json)?);
    }
    if targets.is_empty() {
        let named = spec.pythons.iter().map(|name| Some(name.as_str()));
        let named: Vec<_> = if python.is_none() { vec![None] } else { named.collect() };
        for name in named {
            targets.push(interpreter(name, env, cache)?.target().clone());
        }
    }
    for assignment in &spec.markers {
        targets = targets
            .into_iter()
            .map(|target| target.with_marker(assignment))
            .collect::<Result<_, _>>()?;
    }
    Ok(targets)
}

/// Interpreter constraints, and the preference among interpreters that satisfy them.
pub(crate) struct Constrained<'a> {
    pub(crate) constraints: &'a [InterpreterConstraint],
    pub(crate) preference: Preference,
}

/// A preference among interpreters that satisfy the constraints.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Preference {
    /// Prefer the oldest.
    #[default]
    Oldest,
    /// Prefer the newest.
    Newest,
}

impl Preference {
    /// Returns the name in PEX-INFO.
    pub fn name(self) -> &'static str {
        match self {
            Self::Oldest => "oldest",
            Self::Newest => "newest",
        }
    }
}

/// The minor versions of Python 3 to search for on `PATH`.
pub(crate) const MINORS: std::ops::RangeInclusive<u64> = 8..=30;

impl Constrained<'_> {
    /// Returns the platforms that the caller names, after checking them against the constraints. If the caller
    /// names none, returns those of all matching interpreters on `PATH`, in order of preference; without
    /// constraints, that of the default interpreter.
    pub(crate) fn targets(
        &self,
        spec: &PlatformSpec,
        env: &Env,
        cache: &Cache,
    ) -> Result<Vec<Target>, Error> {
        if spec.is_empty() && !self.constraints.is_empty() {
            return self.look(env, cache);
        }
        let found = targets(spec, env, cache)?;
        let unfit = found.iter().find(|target| !self.accepts(target));
        match unfit {
            None => Ok(found),
            Some(target) => {
                let (target, constraints) = (target.to_string(), self.shown());
                Err(ErrorKind::NotAllowed { target, constraints }.into())
            }
        }
    }

    fn look(&self, env: &Env, cache: &Cache) -> Result<Vec<Target>, Error> {
        let mut minors: Vec<u64> = MINORS.collect();
        if self.preference == Preference::Newest {
            minors.reverse();
        }
        let named = minors.into_iter().map(|minor| format!("3.{minor}"));
        let found = named.filter_map(|name| interpreter(Some(&name), env, cache).ok());
        let default = interpreter(None, env, cache).ok();
        let mut targets: Vec<Target> = Vec::new();
        for target in found.chain(default).map(|interpreter| interpreter.target().clone()) {
            let is_new = targets.iter().all(|known| known.to_string() != target.to_string());
            if is_new && self.accepts(&target) {
                targets.push(target);
            }
        }
        if targets.is_empty() {
            return Err(ErrorKind::NoPythonSatisfies { constraints: self.shown() }.into());
        }
        Ok(targets)
    }

    fn accepts(&self, target: &Target) -> bool {
        self.constraints.is_empty()
            || self.constraints.iter().any(|constraint| constraint.accepts(target))
    }

    fn shown(&self) -> String {
        let all: Vec<String> =
            self.constraints.iter().map(|constraint| format!("`{constraint}`")).collect();
        all.join(" or ")
    }
}

/// Returns the platforms that the caller names, else those that the files were built for, else that of the default
/// interpreter.
///
/// # Errors
///
/// Returns an error if a platform is malformed, or an interpreter is missing.
pub fn targets_of_files<'p>(
    spec: &PlatformSpec,
    files: impl Iterator<Item = &'p Pex>,
    env: &Env,
    cache: &Cache,
) -> Result<Vec<Target>, Error> {
    if !spec.is_empty() {
        return targets(spec, env, cache);
    }
    let mut built_for: Vec<(&str, Vec<&str>)> = Vec::new();
    for platform in
        files.filter_map(|pex| pex.info().pinnace.as_ref()).flat_map(|own| &own.platforms)
    {
        match built_for.iter_mut().find(|(name, _)| *name == platform.name) {
            Some((_, python)) => python.push(&platform.requires_python),
            None => built_for.push((&platform.name, vec![&platform.requires_python])),
        }
    }
    if built_for.is_empty() {
        return targets(spec, env, cache);
    }
    built_for.iter().map(|(name, python)| target_of_file(name, python)).collect()
}

/// Returns the platform of a name, with the earliest patch level of its Python that `requires_python` allows.
/// The name leaves the patch level open, so that a build gives the same bytes on every machine.
fn target_of_file(name: &str, requires_python: &[&str]) -> Result<Target, Error> {
    const LATEST_PATCH: u64 = 40;
    let target: Target = name.parse()?;
    let texts: Vec<&str> =
        requires_python.iter().copied().filter(|text| !text.is_empty()).collect();
    let Ok(allowed) = Specifiers::parse_lenient(&texts.join(",")) else { return Ok(target) };
    let [major, minor] = [0, 1].map(|at| target.python().release().get(at).copied().unwrap_or(0));
    let later = (1..=LATEST_PATCH).map(|patch| {
        target.clone().with_marker(&format!("python_full_version={major}.{minor}.{patch}"))
    });
    let mut releases = [Ok(target.clone())].into_iter().chain(later);
    let found =
        releases.find_map(|target| target.ok().filter(|target| allowed.contains(target.python())));
    Ok(found.unwrap_or(target))
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(Error::at("read the platform", path))
}

/// Returns the version of an interpreter of this machine, for a platform without a version.
fn version_of(wanted: Option<&str>, env: &Env, cache: &Cache) -> Result<Python, Error> {
    let interpreter = interpreter(wanted, env, cache)?;
    let target = interpreter.target();
    let pypy = target.markers().get(MarkerVariable::ImplementationName) == Some("pypy");
    let implementation = if pypy { Implementation::PyPy } else { Implementation::CPython };
    Ok(Python::new(implementation, target.python().clone())?)
}

/// Returns a note that lists the values assumed for platforms; `None` if nothing was assumed.
pub fn assumptions<'t>(targets: impl Iterator<Item = &'t Target>) -> Option<String> {
    let assumed: BTreeSet<String> =
        targets.flat_map(Target::assumptions).map(ToString::to_string).collect();
    let list = assumed.into_iter().collect::<Vec<_>>().join(", ");
    (!list.is_empty()).then(|| {
        format!("assumed: {list}; name them in the platform, as in `manylinux_2_31_x86_64-3.11.9`")
    })
}
