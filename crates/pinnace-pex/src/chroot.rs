//! Wheels in the installed form of the pex tool: the library at the top, all other files below
//! `.prefix`, and a RECORD with the new paths.

use std::collections::BTreeMap;

use pinnace_archive::{ArchivePath, ContentDigest, Mode};

use crate::{
    Error, ErrorKind, ScriptTarget, WheelFiles,
    error::archive,
    member::{Member, Members, insert},
    record::{self, Record},
    runtime::hex,
    scheme::{Scheme, place},
    scripts::entry_points,
    wheels::WheelArchive,
    write::{self, Compression, ZipOptions},
};

/// An installed distribution.
pub(crate) struct Chroot {
    pub(crate) files: BTreeMap<String, (Mode, Member)>,
    /// The content digest of the files, except for the layout file, which records the digest.
    pub(crate) digest: [u8; 32],
}

/// Installs a wheel. The writer checks each member against RECORD when it writes it.
pub(crate) fn install(wheel: &str, sha256: &[u8; 32], zip: &WheelArchive) -> Result<Chroot, Error> {
    let record = Record::read(wheel, zip)?;
    let project = wheel.split('-').next().unwrap_or_default();
    let mut files = BTreeMap::new();
    let mut lines = Vec::new();
    for entry in zip.entries().iter().filter(|entry| entry.is_file()) {
        let path = target(wheel, project, entry.name())?;
        if entry.name() == record.path {
            continue;
        }
        let member = inside(wheel, sha256, zip, &record, entry.name())?;
        lines.push((path.clone(), member.sha256(), entry.size()));
        files.insert(path, (entry.mode(), member));
    }
    for (name, script) in console_scripts(zip)? {
        let path = format!(".prefix/bin/{name}");
        lines.push((path.clone(), pinnace_archive::sha256(&script), script.len() as u64));
        files.insert(path, (Mode::Executable, Member::Bytes(script)));
    }
    lines.sort();
    lines.dedup_by(|a, b| a.0 == b.0);
    let mut text = String::new();
    for (path, sha256, size) in &lines {
        record::line(&mut text, path, Some((sha256, *size)));
    }
    record::line(&mut text, &record.path, None);
    files.insert(record.path.clone(), (Mode::File, Member::Bytes(text.into_bytes())));
    let digest = digest(&files)?;
    let layout = serde_json::json!({
        "fingerprint": hex(&digest),
        "record_relpath": record.path,
        "root_is_purelib": is_purelib(zip)?,
        "stash_dir": ".prefix",
        "sys_path_entries": ["."],
    });
    let layout = Member::Bytes(layout.to_string().into_bytes());
    files.insert(".layout.json".to_owned(), (Mode::File, layout));
    Ok(Chroot { files, digest })
}

/// Returns a member of a wheel with its digest from RECORD. If RECORD has no digest, the digest is
/// computed from the bytes.
pub(crate) fn inside(
    wheel: &str,
    sha256: &[u8; 32],
    zip: &WheelArchive,
    record: &Record,
    name: &str,
) -> Result<Member, Error> {
    let content = match (record.sha256(name), zip.find(name)) {
        (Some(recorded), _) => recorded,
        (None, Some(entry)) => pinnace_archive::sha256(&zip.read(entry).map_err(archive)?),
        (None, None) => [0; 32],
    };
    let (wheel, entry) = (wheel.to_owned(), name.to_owned());
    Ok(Member::Inside { wheel, sha256: *sha256, entry, content })
}

/// Returns an installed distribution as one zip.
pub(crate) fn zip(chroot: &Chroot, wheels: &dyn WheelFiles) -> Result<Vec<u8>, Error> {
    let mut members = Members::new();
    for (path, (mode, member)) in &chroot.files {
        insert(&mut members, path, *mode, member.clone())?;
    }
    let mut bytes = Vec::new();
    let options = ZipOptions { threads: 1, compression: Compression::Stored };
    write::zip(&mut bytes, b"", &members, wheels, options)?;
    Ok(bytes)
}

fn target(wheel: &str, project: &str, member: &str) -> Result<String, Error> {
    let (scheme, path) = place(member).ok_or_else(|| unknown(wheel, member))?;
    Ok(match scheme {
        Scheme::Library => path.to_owned(),
        Scheme::Scripts => format!(".prefix/bin/{path}"),
        Scheme::Data => format!(".prefix/data/{path}"),
        // The pex tool replaces X.Y by the version when it installs.
        Scheme::Headers => format!(".prefix/include/site/pythonX.Y/{project}/{path}"),
    })
}

pub(crate) fn unknown(wheel: &str, member: &str) -> Error {
    let reason = format!("`{member}` is data of an unknown kind");
    ErrorKind::Malformed { wheel: wheel.to_owned(), reason }.into()
}

/// Returns the scripts that an installer generates from the entry points.
fn console_scripts(zip: &WheelArchive) -> Result<Vec<(String, Vec<u8>)>, Error> {
    let Some(text) = metadata_file(zip, "entry_points.txt")? else { return Ok(Vec::new()) };
    let scripts = entry_points(&text).into_iter().filter_map(|(name, target)| {
        let ScriptTarget::EntryPoint(entry) = target else { return None };
        let entry = entry.to_string();
        let (module, object) = entry.split_once(':')?;
        let code = format!(
            "#!python\nimport sys\nimport {module} as module\n\nif __name__ == '__main__':\n    \
             sys.exit(module.{object}())\n"
        );
        let is_name = ArchivePath::parse(&name).is_ok() && !name.contains('/');
        is_name.then(|| (name, code.into_bytes()))
    });
    Ok(scripts.collect())
}

fn is_purelib(zip: &WheelArchive) -> Result<bool, Error> {
    let text = metadata_file(zip, "WHEEL")?.unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix("Root-Is-Purelib:"));
    Ok(value.is_none_or(|value| value.trim().eq_ignore_ascii_case("true")))
}

fn metadata_file(zip: &WheelArchive, name: &str) -> Result<Option<String>, Error> {
    let is_wanted = |path: &str| {
        path.split_once('/')
            .is_some_and(|(folder, file)| folder.ends_with(".dist-info") && file == name)
    };
    let Some(entry) = zip.entries().iter().find(|entry| is_wanted(entry.name())) else {
        return Ok(None);
    };
    let bytes = zip.read(entry).map_err(archive)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn digest(files: &BTreeMap<String, (Mode, Member)>) -> Result<[u8; 32], Error> {
    let mut digest = ContentDigest::new(b"");
    for (path, (mode, member)) in files {
        digest.file(&ArchivePath::parse(path).map_err(archive)?, *mode, &member.sha256());
    }
    Ok(digest.finish())
}
