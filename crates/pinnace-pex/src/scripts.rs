use std::collections::BTreeMap;

use pinnace_wheel::WheelName;

use crate::{
    EntryPoint, Error, ErrorKind, WheelFiles,
    error::archive,
    wheels::{self, WheelArchive},
};

/// The target of a script of a distribution.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ScriptTarget {
    /// A console or GUI script, which calls a function (entry points specification).
    EntryPoint(EntryPoint),
    /// The name of a file among the scripts of the wheel.
    File(String),
}

/// Finds a script by name in wheels. The first wheel with the script wins.
///
/// # Errors
///
/// Returns [`ErrorKind::NoScript`] with the known scripts if no wheel has it, and other errors if a
/// wheel cannot be read.
pub fn find_script<'a>(
    name: &str,
    named: impl Iterator<Item = (&'a WheelName, [u8; 32])>,
    files: &dyn WheelFiles,
) -> Result<ScriptTarget, Error> {
    let mut known = BTreeMap::new();
    for (wheel, sha256) in named {
        let zip = wheels::open(files, wheel.as_str(), &sha256)?;
        for (script, target) in scripts(&zip).map_err(archive)? {
            known.entry(script).or_insert(target);
        }
    }
    known.remove(name).ok_or_else(|| {
        let names: Vec<String> = known.into_keys().collect();
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        ErrorKind::NoScript { name: name.to_owned(), known }.into()
    })
}

/// Returns the console and GUI scripts of an `entry_points.txt`, each with its name and target.
pub fn console_scripts(text: &str) -> Vec<(String, String)> {
    let scripts = entry_points(text).into_iter();
    let scripts = scripts.filter_map(|(name, target)| match target {
        ScriptTarget::EntryPoint(target) => Some((name, target.to_string())),
        ScriptTarget::File(_) => None,
    });
    scripts.collect()
}

fn scripts(zip: &WheelArchive) -> Result<Vec<(String, ScriptTarget)>, pinnace_archive::Error> {
    let mut found = Vec::new();
    for entry in zip.entries() {
        match entry.name().split('/').collect::<Vec<_>>()[..] {
            [folder, "entry_points.txt"] if folder.ends_with(".dist-info") => {
                found.extend(entry_points(&String::from_utf8_lossy(&zip.read(entry)?)));
            }
            [folder, "scripts", script] if folder.ends_with(".data") && !script.is_empty() => {
                found.push((script.to_owned(), ScriptTarget::File(script.to_owned())));
            }
            _ => {}
        }
    }
    Ok(found)
}

/// Parses the scripts of an `entry_points.txt`, and skips malformed entries.
pub(crate) fn entry_points(text: &str) -> Vec<(String, ScriptTarget)> {
    let mut in_scripts = false;
    let mut found = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            in_scripts = matches!(line, "[console_scripts]" | "[gui_scripts]");
        } else if let (true, Some((name, target))) = (in_scripts, line.split_once('=')) {
            let target = EntryPoint::parse(target).map(ScriptTarget::EntryPoint);
            found.extend(target.ok().map(|target| (name.trim().to_owned(), target)));
        }
    }
    found
}
