//! The platforms that the user means.

use std::{collections::BTreeSet, fs, path::Path};

use pinnace_pex::{InterpreterConstraint, Pex};
use pinnace_wheel::{
    Address, Cache, Implementation, Interpreter, MarkerVariable, Platform, Python, Specifiers,
    Target,
};

use crate::{Failure, arguments::PlatformArguments, environment::Environment, python};

/// The platforms that are named, or the one that the interpreter is.
pub(crate) fn targets(
    arguments: &PlatformArguments,
    environment: &Environment,
    cache: &dyn Cache,
) -> Result<Vec<Target>, Failure> {
    let mut targets = Vec::new();
    // A version alone names no interpreter here where a platform goes with it.
    let python = arguments.python();
    let version = python.and_then(|text| text.parse::<Python>().ok());
    for text in &arguments.platform {
        let alone = version.is_none() && text.parse::<Platform>().is_ok();
        let python = match alone {
            true => Some(version_of(python, environment, cache)?),
            false => version.clone(),
        };
        targets.push(Target::parse_with(text, python.as_ref())?);
    }
    for file in &arguments.complete_platform {
        let json = match file.starts_with('{') {
            true => file.clone(),
            false => read(&environment.folder.join(file))?,
        };
        targets.push(Target::from_complete_platform(&json)?);
    }
    if targets.is_empty() {
        let named = arguments.pythons.iter().map(|name| Some(name.as_str()));
        let named: Vec<_> = if python.is_none() { vec![None] } else { named.collect() };
        for name in named {
            targets.push(interpreter(name, environment, cache)?.target().clone());
        }
    }
    for assignment in &arguments.marker {
        targets = targets
            .into_iter()
            .map(|target| target.with_marker(assignment))
            .collect::<Result<_, _>>()?;
    }
    Ok(targets)
}

/// The interpreters that will do.
pub(crate) struct Constrained<'a> {
    pub(crate) constraints: &'a [InterpreterConstraint],
    pub(crate) preference: Preference,
}

/// Which of several interpreters that will do is taken.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Preference {
    Oldest,
    Newest,
}

/// The minor versions of Python 3 that are looked for.
pub(crate) const MINORS: std::ops::RangeInclusive<u64> = 8..=30;

impl Constrained<'_> {
    /// The platforms that are named, if they will do; else all interpreters on PATH that will, in the
    /// order of preference; without constraints the default one.
    pub(crate) fn targets(
        &self,
        arguments: &PlatformArguments,
        environment: &Environment,
        cache: &dyn Cache,
    ) -> Result<Vec<Target>, Failure> {
        if arguments.are_open() && !self.constraints.is_empty() {
            return self.look(environment, cache);
        }
        let found = targets(arguments, environment, cache)?;
        let unfit = found.iter().find(|target| !self.accepts(target));
        match unfit {
            None => Ok(found),
            Some(target) => {
                let all = self.shown();
                Err(Failure::usage(format!(
                    "{target} is none of the interpreters that {all} allows"
                )))
            }
        }
    }

    fn look(&self, environment: &Environment, cache: &dyn Cache) -> Result<Vec<Target>, Failure> {
        let mut minors: Vec<u64> = MINORS.collect();
        if self.preference == Preference::Newest {
            minors.reverse();
        }
        let named = minors.into_iter().map(|minor| format!("3.{minor}"));
        let found = named.filter_map(|name| interpreter(Some(&name), environment, cache).ok());
        let default = interpreter(None, environment, cache).ok();
        let mut targets: Vec<Target> = Vec::new();
        for target in found.chain(default).map(|one| one.target().clone()) {
            let is_new = targets.iter().all(|known| known.to_string() != target.to_string());
            if is_new && self.accepts(&target) {
                targets.push(target);
            }
        }
        if targets.is_empty() {
            let message = format!("no interpreter on PATH satisfies {}", self.shown());
            return Err(Failure::job(message).hint("name one with `--python`, or a `--platform`"));
        }
        Ok(targets)
    }

    fn accepts(&self, target: &Target) -> bool {
        self.constraints.is_empty() || self.constraints.iter().any(|one| one.accepts(target))
    }

    fn shown(&self) -> String {
        let all: Vec<String> = self.constraints.iter().map(|one| format!("`{one}`")).collect();
        all.join(" or ")
    }
}

/// The platforms that are named, else those that files were built for, else the default interpreter.
pub(crate) fn of_files<'p>(
    arguments: &PlatformArguments,
    files: impl Iterator<Item = &'p Pex>,
    environment: &Environment,
    cache: &dyn Cache,
) -> Result<Vec<Target>, Failure> {
    if !arguments.are_open() {
        return targets(arguments, environment, cache);
    }
    let mut told: Vec<(&str, Vec<&str>)> = Vec::new();
    for one in files.filter_map(|pex| pex.info().pinnace.as_ref()).flat_map(|own| &own.platforms) {
        match told.iter_mut().find(|(name, _)| *name == one.name) {
            Some((_, python)) => python.push(&one.requires_python),
            None => told.push((&one.name, vec![&one.requires_python])),
        }
    }
    match told.is_empty() {
        true => targets(arguments, environment, cache),
        false => told.iter().map(|(name, python)| target_of_file(name, python)).collect(),
    }
}

/// The platform of that name, with the earliest release of its Python that is allowed: the name does not
/// say which it is, so that files are the same wherever they are built.
fn target_of_file(name: &str, requires_python: &[&str]) -> Result<Target, Failure> {
    const LATEST_PATCH: u64 = 40;
    let target: Target = name.parse()?;
    let said: Vec<&str> = requires_python.iter().copied().filter(|one| !one.is_empty()).collect();
    let Ok(allowed) = Specifiers::parse_lenient(&said.join(",")) else { return Ok(target) };
    let [major, minor] = [0, 1].map(|at| target.python().release().get(at).copied().unwrap_or(0));
    let later = (1..=LATEST_PATCH).map(|patch| {
        target.clone().with_marker(&format!("python_full_version={major}.{minor}.{patch}"))
    });
    let mut releases = [Ok(target.clone())].into_iter().chain(later);
    let found = releases.find_map(|one| one.ok().filter(|one| allowed.contains(one.python())));
    Ok(found.unwrap_or(target))
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| {
        Failure::job(format!("cannot read the platform `{}`: {error}", path.display()))
    })
}

/// The Python that an interpreter here is, for a platform that does not say one.
fn version_of(
    wanted: Option<&str>,
    environment: &Environment,
    cache: &dyn Cache,
) -> Result<Python, Failure> {
    let interpreter = interpreter(wanted, environment, cache)?;
    let target = interpreter.target();
    let pypy = target.markers().get(MarkerVariable::ImplementationName) == Some("pypy");
    let implementation = if pypy { Implementation::PyPy } else { Implementation::CPython };
    Ok(Python::new(implementation, target.python().clone())?)
}

/// What was assumed of platforms, in one line.
pub(crate) fn assumed<'t>(targets: impl Iterator<Item = &'t Target>) -> Option<String> {
    let assumed: BTreeSet<String> =
        targets.flat_map(Target::assumptions).map(ToString::to_string).collect();
    let list = assumed.into_iter().collect::<Vec<_>>().join(", ");
    (!list.is_empty()).then(|| {
        format!("assumed: {list}; a platform such as `manylinux_2_31_x86_64-3.11.9` says it")
    })
}

/// The interpreter of that name or path; without one, the default.
pub(crate) fn interpreter(
    wanted: Option<&str>,
    environment: &Environment,
    cache: &dyn Cache,
) -> Result<Interpreter, Failure> {
    let path = python::find(wanted, environment)?;
    Ok(Interpreter::probe(&path, cache)?)
}

/// A URL, or the path of a file or folder.
pub(crate) fn address(text: &str, folder: &Path) -> Result<Address, Failure> {
    if text.contains("://") {
        return Ok(Address::parse(text)?);
    }
    let path = folder.join(text);
    // What is shown of a path is all of it.
    if text.contains('@') && !path.exists() {
        return Err(Failure::usage("a page of links has no scheme such as `https://`"));
    }
    Ok(Address::of_path(&path)?)
}
