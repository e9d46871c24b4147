//! `pinnace export`: a release as two PEX files.

use std::path::Path;

use pinnace_build::{Cache, CancellableWriter, Env, create_output};
use pinnace_deploy::{Contents, Export, find_release};
use pinnace_store::Access;
use serde_json::json;

use super::releases::open;
use crate::{Failure, arguments::ExportRelease, output::Output, progress::Reporter};

pub(crate) fn run(arguments: &ExportRelease, env: &Env, output: Output) -> Result<(), Failure> {
    let (store, interrupt) = open(&arguments.store, env, output)?;
    let folder = env.folder.join(&arguments.output);
    let reporter = Reporter::new(output.without_result(), interrupt.clone());
    let export = || {
        let cache = Cache::open(&env.cache_folder()?)?;
        let release = find_release(&arguments.what, &store, &cache)?;
        let contents = Contents::fetch(&store, &release)?;
        contents.fetch_wheels(&cache)?;
        std::fs::create_dir_all(&folder).map_err(|error| {
            Failure::io(&format!("cannot create `{}`", folder.display()), &error)
        })?;
        let files = [Export::Dependencies, Export::Source];
        let [deps, source] =
            files.map(|part| write(part, &contents, &cache, &folder, env, &reporter));
        Ok::<_, Failure>((release, deps?, source?))
    };
    let (release, deps, source) = export().map_err(|failure| interrupt.explain(failure))?;
    let shown = arguments.output.join("source.pex").display().to_string();
    let text = format!("{}\n{shown}", arguments.output.join("deps.pex").display());
    let json = json!({
        "release": release.to_string(),
        "deps": { "file": arguments.output.join("deps.pex"), "sha256": deps },
        "source": { "file": shown, "sha256": source },
    });
    output.result(&text, &json)
}

/// Writes one of the files. The file gets its name only after its digest has been verified.
fn write(
    part: Export,
    contents: &Contents<'_>,
    cache: &Cache,
    folder: &Path,
    env: &Env,
    reporter: &Reporter,
) -> Result<String, Failure> {
    let path = folder.join(part.file_name());
    let mut file = create_output(&path, Access::Executable, env)?;
    let out = CancellableWriter::new(&mut file, reporter);
    let digest = contents.export(part, cache, env.threads, out)?;
    file.commit()?;
    Ok(digest.to_hex())
}
