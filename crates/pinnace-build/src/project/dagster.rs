//! Settings from a `dagster_cloud.yaml`, so that a Dagster project needs no other file.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{
    process::{Drain, Metadata, Process, Ready, Stop},
    read::read_text,
};
use crate::{Error, ErrorKind};

/// The service of a code location.
#[derive(Debug)]
pub(super) struct Location {
    pub(super) name: String,
    /// The process that serves the location.
    pub(super) web: Process,
    /// The query that lists its repositories.
    pub(super) metadata: Metadata,
    /// The folder of its project, relative to the folder of the file.
    pub(super) directory: Option<PathBuf>,
}

/// A code location in the format of the file.
#[derive(Debug, Deserialize)]
struct RawLocation {
    location_name: String,
    #[serde(default)]
    code_source: CodeSource,
    #[serde(default)]
    build: Build,
    working_directory: Option<String>,
    attribute: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct CodeSource {
    module_name: Option<String>,
    package_name: Option<String>,
    python_file: Option<String>,
    autoload_defs_module_name: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct Build {
    directory: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
struct File {
    #[serde(default)]
    locations: Vec<RawLocation>,
}

/// The drain time in seconds. A server ends with the last run that was started on it, and a run may take a day.
const LONGEST_RUN: u64 = 86_400;
/// The possible names of the file.
const NAMES: [&str; 2] = ["dagster_cloud.yaml", "dagster_cloud.yml"];

/// Reads the code location of a name, or the only one, and returns it with the folder of its project. Returns
/// `None` if the file is missing.
pub(super) fn location(
    folder: &Path,
    name: Option<&str>,
) -> Result<Option<(Location, PathBuf)>, Error> {
    let found = NAMES.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    let Some(path) = found else { return Ok(None) };
    let text = read_text(&path)?.unwrap_or_default();
    let location = parse(&text, &path.display().to_string(), name)?;
    let project = folder.join(location.directory.clone().unwrap_or_default());
    Ok(Some((location, project)))
}

/// Parses a code location from the text of a file.
pub(super) fn parse(text: &str, origin: &str, name: Option<&str>) -> Result<Location, Error> {
    let refuse = |reason: String| -> Error {
        ErrorKind::Settings { origin: origin.to_owned(), reason }.into()
    };
    let file: File = serde_saphyr::from_str(text).map_err(|error| refuse(error.to_string()))?;
    let names: Vec<&str> =
        file.locations.iter().map(|location| location.location_name.as_str()).collect();
    let chosen = match name {
        Some(name) => file.locations.iter().find(|location| location.location_name == name),
        None if file.locations.len() > 1 => {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            return Err(ErrorKind::SeveralLocations { origin: origin.to_owned(), names }.into());
        }
        None => file.locations.first(),
    };
    let Some(raw) = chosen else {
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Err(refuse(format!("it has no such location; it has: {names}")));
    };
    let mut web = Process::new(argv(raw).map_err(refuse)?);
    web.ready = Ready::Grpc("DagsterApi".to_owned());
    web.stop = Stop::Grpc("/api.DagsterApi/ShutdownServer".to_owned());
    web.drain = Drain::of_seconds(LONGEST_RUN);
    Ok(Location {
        name: raw.location_name.clone(),
        web,
        metadata: Metadata::Grpc("/api.DagsterApi/ListRepositories".to_owned()),
        directory: raw.build.directory.clone(),
    })
}

/// Returns the command that serves a code location.
fn argv(location: &RawLocation) -> Result<Vec<String>, String> {
    let source = &location.code_source;
    let ways = [
        ("--module-name", &source.module_name),
        ("--package-name", &source.package_name),
        ("--python-file", &source.python_file),
        ("--autoload-defs-module-name", &source.autoload_defs_module_name),
    ];
    let said: Vec<(&str, &String)> =
        ways.into_iter().filter_map(|(option, value)| Some((option, value.as_ref()?))).collect();
    let [(option, value)] = said[..] else {
        return Err(format!(
            "`code_source` of `{}` must be one of module_name, package_name, python_file, autoload_defs_module_name",
            location.location_name
        ));
    };
    let mut words = vec!["dagster", "api", "grpc", "--host", "127.0.0.1", "--port", "{port}"];
    words.extend([option, value]);
    for (option, value) in
        [("--working-directory", &location.working_directory), ("--attribute", &location.attribute)]
    {
        words.extend(value.iter().flat_map(|value| [option, value]));
    }
    Ok(words.into_iter().map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, name: Option<&str>) -> Result<Option<(Location, PathBuf)>, Error> {
        let folder = tempfile::tempdir().unwrap();
        std::io::Write::write_all(
            &mut std::fs::File::create(folder.path().join("dagster_cloud.yaml")).unwrap(),
            text.as_bytes(),
        )
        .unwrap();
        location(folder.path(), name)
    }

    #[test]
    fn locations_are_services() {
        let text = "locations:\n  - location_name: etl\n    code_source:\n      module_name: etl.definitions\n    \
                    build:\n      directory: ./etl\n    image: x\n  - location_name: ml\n    code_source: {python_file: ml.py}\n    \
                    working_directory: ml\n";
        let (etl, folder) = said(text, Some("etl")).unwrap().unwrap();
        let web = &etl.web;
        assert_eq!(web.argv[5..], ["--port", "{port}", "--module-name", "etl.definitions"]);
        assert_eq!(web.ready.to_string(), "grpc:DagsterApi");
        assert!(folder.ends_with("etl") && etl.name == "etl");
        let (ml, _) = said(text, Some("ml")).unwrap().unwrap();
        assert_eq!(ml.web.argv[7..], ["--python-file", "ml.py", "--working-directory", "ml"]);
        assert!(said(text, None).unwrap_err().to_string().contains("etl, ml"));
        assert!(said(text, Some("x")).unwrap_err().to_string().contains("no such location"));
        let nothing = "locations:\n  - location_name: a\n    code_source: {}\n";
        assert!(said(nothing, None).unwrap_err().to_string().contains("must be one of"));
        assert!(said("locations: [", None).is_err());
    }
}
