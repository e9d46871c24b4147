//! The platforms that the user means.

use std::{fs, path::Path};

use pinnace_wheel::{Address, Cache, Interpreter, Python, Target};

use crate::{Failure, arguments::PlatformArguments, environment::Environment, python};

/// The platforms that are named, or the one that the interpreter is.
pub(crate) fn targets(
    arguments: &PlatformArguments,
    environment: &Environment,
    cache: &dyn Cache,
) -> Result<Vec<Target>, Failure> {
    let mut targets = Vec::new();
    // A version alone names no interpreter here where a platform goes with it.
    let version = arguments.python.as_deref().and_then(|text| text.parse::<Python>().ok());
    for text in &arguments.platform {
        targets.push(Target::parse_with(text, version.as_ref())?);
    }
    for file in &arguments.complete_platform {
        let path = environment.folder.join(file);
        let json = fs::read_to_string(&path).map_err(|error| {
            Failure::job(format!("cannot read the platform `{}`: {error}", path.display()))
        })?;
        targets.push(Target::from_complete_platform(&json)?);
    }
    if targets.is_empty() {
        let interpreter = interpreter(arguments.python.as_deref(), environment, cache)?;
        targets.push(interpreter.target().clone());
    }
    for assignment in &arguments.marker {
        targets = targets
            .into_iter()
            .map(|target| target.with_marker(assignment))
            .collect::<Result<_, _>>()?;
    }
    Ok(targets)
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
