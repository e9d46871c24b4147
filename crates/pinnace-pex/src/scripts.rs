use std::{collections::BTreeMap, io};

use pinnace_archive::{Archive, Policy, ReadAt};
use pinnace_wheel::WheelName;

use crate::{EntryPoint, Error, ErrorKind, ReadSeek, WheelFiles, error::archive};

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
    wheels: impl Iterator<Item = (&'a WheelName, [u8; 32])>,
    files: &dyn WheelFiles,
) -> Result<ScriptTarget, Error> {
    let mut known = BTreeMap::new();
    for (wheel, sha256) in wheels {
        let fault = |source| ErrorKind::Wheel { wheel: wheel.to_string(), source };
        let file = files.open(&sha256).map_err(fault)?;
        for (script, target) in scripts(file).map_err(archive)? {
            known.entry(script).or_insert(target);
        }
    }
    known.remove(name).ok_or_else(|| {
        let names: Vec<String> = known.into_keys().collect();
        let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        ErrorKind::NoScript { name: name.to_owned(), known }.into()
    })
}

fn scripts(file: Box<dyn ReadSeek>) -> Result<Vec<(String, ScriptTarget)>, pinnace_archive::Error> {
    let zip = Archive::open(Seeking::new(file), Policy::wheel())?;
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
fn entry_points(text: &str) -> Vec<(String, ScriptTarget)> {
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

/// Reading at offsets out of what can only seek; one reader at a time.
struct Seeking(std::sync::Mutex<Box<dyn ReadSeek>>);

impl Seeking {
    fn new(file: Box<dyn ReadSeek>) -> Self {
        Self(file.into())
    }

    fn with<T>(&self, work: impl FnOnce(&mut dyn ReadSeek) -> io::Result<T>) -> io::Result<T> {
        let mut file = self.0.lock().map_err(|_| io::Error::other("a reader panicked"))?;
        work(&mut **file)
    }
}

impl ReadAt for Seeking {
    fn size(&self) -> io::Result<u64> {
        self.with(|file| file.seek(io::SeekFrom::End(0)))
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.with(|file| {
            file.seek(io::SeekFrom::Start(offset))?;
            file.read_exact(buffer)
        })
    }
}
