//! `pinnace export`: a release as two PEX files.

use std::path::Path;

use pinnace_deploy::{Contents, Export, Machine};
use pinnace_store::Access;
use serde_json::json;

use super::releases::open;
use crate::{
    Failure, arguments::ExportRelease, environment::Environment, interrupt::Interrupt, output,
    progress::Output, services,
};

pub(crate) fn run(
    arguments: &ExportRelease,
    environment: &Environment,
    output: Output,
) -> Result<(), Failure> {
    let (store, interrupt) = open(&arguments.store, environment, output)?;
    let folder = environment.folder.join(&arguments.output);
    let done = || {
        let machine = Machine::open(&environment.cache_folder()?)?;
        let release = services::release(&arguments.what, &store, &machine)?;
        let contents = Contents::fetch(&store, &release)?;
        contents.fetch_wheels(&machine)?;
        std::fs::create_dir_all(&folder)
            .map_err(|error| Failure::io(&format!("cannot make `{}`", folder.display()), &error))?;
        let files = [Export::Dependencies, Export::Source];
        let written =
            files.map(|what| write(what, &contents, &machine, &folder, environment, &interrupt));
        let [deps, source] = written;
        Ok::<_, Failure>((release, deps?, source?))
    };
    let (release, deps, source) = done().map_err(|failure| interrupt.explain(failure))?;
    let shown = arguments.output.join("source.pex").display().to_string();
    let text = format!("{}\n{shown}", arguments.output.join("deps.pex").display());
    let json = json!({
        "release": release.to_string(),
        "deps": { "file": arguments.output.join("deps.pex"), "sha256": deps },
        "source": { "file": shown, "sha256": source },
    });
    output.result(&text, &json)
}

/// Writes one of the files; it takes its name when it is what it was.
fn write(
    what: Export,
    contents: &Contents<'_>,
    machine: &Machine,
    folder: &Path,
    environment: &Environment,
    interrupt: &Interrupt,
) -> Result<String, Failure> {
    let path = folder.join(what.file_name());
    let mut file = output::create(&path, Access::Executable, environment)?;
    let digest = contents.export(what, machine, environment.threads, interrupt.guard(&mut file))?;
    file.commit()?;
    Ok(digest.to_hex())
}
