//! A `dagster_cloud.yaml`, as the settings that it means: a Dagster project needs no file of ours.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::{Drain, Error, ErrorKind, Metadata, Process, Ready, Settings, Stop, project::read};

/// What the file says of a code location.
#[derive(Debug, Deserialize)]
struct Location {
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
    locations: Vec<Location>,
}

/// A server that was asked to shut down ends with the last run that was started on it, and runs may take a day.
const LONGEST_RUN: u64 = 86_400;
/// How the file is called.
const NAMES: [&str; 2] = ["dagster_cloud.yaml", "dagster_cloud.yml"];

/// The settings of a code location, the one of that name or the only one; and the folder that its project is in.
/// `None` if there is no such file.
pub(crate) fn settings(
    folder: &Path,
    name: Option<&str>,
) -> Result<Option<(Settings, PathBuf)>, Error> {
    let found = NAMES.iter().map(|name| folder.join(name)).find(|path| path.is_file());
    let Some(path) = found else { return Ok(None) };
    let text = read(&path)?.unwrap_or_default();
    let mut settings = parse(&text, &path.display().to_string(), name)?;
    let directory = settings.folder.take().unwrap_or_default();
    Ok(Some((settings, folder.join(directory))))
}

/// The same of the text of such a file; the folder stands in the settings, from the file's own.
pub(crate) fn parse(text: &str, origin: &str, name: Option<&str>) -> Result<Settings, Error> {
    let refuse = |reason: String| -> Error {
        ErrorKind::Settings { origin: origin.to_owned(), reason }.into()
    };
    let file: File = serde_saphyr::from_str(text).map_err(|error| refuse(error.to_string()))?;
    let names: Vec<&str> = file.locations.iter().map(|one| one.location_name.as_str()).collect();
    let chosen = match name {
        Some(name) => file.locations.iter().find(|one| one.location_name == name),
        None if file.locations.len() > 1 => {
            let names = names.join(", ");
            return Err(refuse(format!(
                "it has several locations; name one with `--service`: {names}"
            )));
        }
        None => file.locations.first(),
    };
    let Some(location) = chosen else {
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Err(refuse(format!("it has no such location; it has: {names}")));
    };
    let argv = argv(location).map_err(refuse)?;
    let mut web = Process::new(argv);
    web.ready = Ready::Grpc("DagsterApi".to_owned());
    web.stop = Stop::Grpc("/api.DagsterApi/ShutdownServer".to_owned());
    web.drain = Drain::of_seconds(LONGEST_RUN);
    let mut settings =
        Settings { service: Some(location.location_name.clone()), ..Settings::default() };
    settings.metadata = Some(Metadata::Grpc("/api.DagsterApi/ListRepositories".to_owned()));
    settings.processes.insert("web".to_owned(), web);
    settings.folder.clone_from(&location.build.directory);
    Ok(settings)
}

/// The command that serves a code location.
fn argv(location: &Location) -> Result<Vec<String>, String> {
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

    fn said(text: &str, name: Option<&str>) -> Result<Option<(Settings, PathBuf)>, Error> {
        let folder = tempfile::tempdir().unwrap();
        std::io::Write::write_all(
            &mut std::fs::File::create(folder.path().join("dagster_cloud.yaml")).unwrap(),
            text.as_bytes(),
        )
        .unwrap();
        settings(folder.path(), name)
    }

    #[test]
    fn locations_are_services() {
        let text = "locations:\n  - location_name: etl\n    code_source:\n      module_name: etl.definitions\n    \
                    build:\n      directory: ./etl\n    image: x\n  - location_name: ml\n    code_source: {python_file: ml.py}\n    \
                    working_directory: ml\n";
        let (settings, folder) = said(text, Some("etl")).unwrap().unwrap();
        let web = &settings.processes["web"];
        assert_eq!(web.argv[5..], ["--port", "{port}", "--module-name", "etl.definitions"]);
        assert_eq!(web.ready.to_string(), "grpc:DagsterApi");
        assert!(folder.ends_with("etl") && settings.service.as_deref() == Some("etl"));
        let (settings, _) = said(text, Some("ml")).unwrap().unwrap();
        assert_eq!(
            settings.processes["web"].argv[7..],
            ["--python-file", "ml.py", "--working-directory", "ml"]
        );
        assert!(said(text, None).unwrap_err().to_string().contains("etl, ml"));
        assert!(said(text, Some("x")).unwrap_err().to_string().contains("no such location"));
        let nothing = "locations:\n  - location_name: a\n    code_source: {}\n";
        assert!(said(nothing, None).unwrap_err().to_string().contains("must be one of"));
        assert!(said("locations: [", None).is_err());
    }
}
