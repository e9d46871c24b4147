//! `pinnace info`: what a PEX file holds.

use std::fs::File;

use pinnace_pex::{Inspection, inspect};
use serde_json::json;

use crate::{
    Failure,
    arguments::Info,
    progress::{Count, Output, Size},
};

pub(crate) fn run(arguments: &Info, output: Output) -> Result<(), Failure> {
    let path = &arguments.file;
    let named = |error: &dyn std::fmt::Display| {
        Failure::job(format!("cannot read `{}`: {error}", path.display()))
    };
    let file = File::open(path).map_err(|error| named(&error))?;
    let metadata = file.metadata().map_err(|error| named(&error))?;
    if !metadata.is_file() && !metadata.is_dir() {
        return Err(named(&"it is no ordinary file"));
    }
    if metadata.is_dir() {
        return Err(named(&"it is a folder; only PEX files in one piece can be shown"));
    }
    let found = inspect(file).map_err(|error| named(&error))?;
    let json = as_json(&found, &path.display().to_string(), metadata.len());
    output.result(&as_text(&found, &path.display().to_string(), metadata.len()), &json)
}

fn as_json(found: &Inspection, path: &str, bytes: u64) -> serde_json::Value {
    json!({
        "file": path,
        "bytes": bytes,
        "shebang": found.shebang,
        "files": found.files,
        "sources": found.sources,
        "pex_info": found.info,
    })
}

fn as_text(found: &Inspection, path: &str, bytes: u64) -> String {
    let info = &found.info;
    let mut lines = vec![format!(
        "{path}: {}, {}, {} of them code",
        Size(bytes),
        Count(found.files, "file"),
        found.sources
    )];
    let one_line = |text: &str| text.replace('\n', "\\n");
    let mut line = |name: &str, value: &str| lines.push(format!("  {name:<14}{}", one_line(value)));
    if let Some(own) = &info.pinnace {
        let names: Vec<&str> = own.platforms.iter().map(|one| one.name.as_str()).collect();
        line("platform", &names.join(", "));
    }
    line("starts with", &found.shebang);
    let runs = info.entry_point.as_ref().or(info.script.as_ref());
    line("runs", runs.map_or("an interpreter", String::as_str));
    line("key", &info.pex_hash);
    line("requirements", &info.requirements.join(", "));
    line("wheels", &info.distributions.len().to_string());
    for (wheel, digest) in &info.distributions {
        lines.push(one_line(&format!("    {wheel}  {digest}")));
    }
    lines.join("\n")
}
