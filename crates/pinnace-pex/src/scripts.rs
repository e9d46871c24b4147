use std::collections::BTreeMap;

use pinnace_wheel::WheelName;

use crate::{
    EntryPoint, Error, ErrorKind, WheelFiles,
    error::archive,
    wheels::{self, WheelArchive},
};

/// What a script of a distribution comes to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ScriptTarget {
    /// A console or GUI script: a function (entry points specification).
    EntryPoint(EntryPoint),
    /// A file among the wheel's scripts, by name.
    File(String),
}

/// Finds a script by name in wheels; the first that has it wins.
///
/// # Errors
///
/// [`ErrorKind::NoScript`] with the scripts that there are; else if a wheel cannot be read.
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

/// The console and GUI scripts of an `entry_points.txt`: names, and what they run.
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

/// The scripts of an `entry_points.txt`; what is malformed is no script.
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
