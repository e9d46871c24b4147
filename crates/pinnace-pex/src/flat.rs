//! A plain folder or zip for AWS Lambda and Spark: code and libraries at the top, without boot
//! code.

use std::collections::BTreeMap;

use pinnace_archive::{Archive, ArchivePath, Mode, Policy};

use crate::{
    Error, ErrorKind, WheelFiles,
    chroot::{inside, unknown},
    error::archive,
    member::{Member, Members, insert},
    record::{self, Record},
    scheme::{Scheme, place},
    wheels::{self, WheelArchive},
};

/// Adds the files of wheels beside the user code, which takes precedence: a wheel's file with the
/// path of a code file is left out. Two wheels may share folders and identical files.
pub(crate) fn lay<'w>(
    members: &mut Members,
    wheels: impl Iterator<Item = (&'w String, &'w [u8; 32])>,
    files: &dyn WheelFiles,
) -> Result<(), Error> {
    let mut owners: BTreeMap<String, String> = BTreeMap::new();
    let code: Vec<String> = members.keys().map(ToString::to_string).collect();
    for (name, sha256) in wheels {
        let zip = wheels::open(files, name, sha256)?;
        for (path, mode, member) in installed(name, sha256, &zip)? {
            if code.binary_search(&path).is_ok() {
                continue;
            }
            match owners.get(&path) {
                Some(_) if is_same(members, &path, &member) => {}
                Some(first) => {
                    let (first, second) = (first.clone(), name.clone());
                    return Err(ErrorKind::Collision { path, first, second }.into());
                }
                None => {
                    owners.insert(path.clone(), name.clone());
                    insert(members, &path, mode, member)?;
                }
            }
        }
    }
    Ok(())
}

/// Adds bytecode beside its modules.
pub(crate) fn lay_bytecode(members: &mut Members, bytes: &[u8]) -> Result<(), Error> {
    let zip = Archive::open(bytes, Policy::strict()).map_err(archive)?;
    for entry in zip.entries().iter().filter(|entry| entry.is_file()) {
        let member = Member::Bytes(zip.read(entry).map_err(archive)?);
        insert(members, entry.name(), Mode::File, member)?;
    }
    Ok(())
}

fn is_same(members: &Members, path: &str, member: &Member) -> bool {
    let known = ArchivePath::parse(path).ok().and_then(|path| members.get(&path));
    known.is_some_and(|(_, known)| known.sha256() == member.sha256())
}

fn installed(
    wheel: &str,
    sha256: &[u8; 32],
    zip: &WheelArchive,
) -> Result<Vec<(String, Mode, Member)>, Error> {
    let record = Record::read(wheel, zip)?;
    let mut sizes = BTreeMap::new();
    let mut found = Vec::new();
    for entry in zip.entries().iter().filter(|entry| entry.is_file()) {
        let (scheme, path) = place(entry.name()).ok_or_else(|| unknown(wheel, entry.name()))?;
        let path = match scheme {
            Scheme::Library | Scheme::Data => path.to_owned(),
            Scheme::Scripts => format!("bin/{path}"),
            Scheme::Headers => format!("include/{path}"),
        };
        if entry.name() == record.path {
            continue;
        }
        let (member, size) = match scheme {
            Scheme::Scripts => {
                let script = portable(zip.read(entry).map_err(archive)?);
                let size = script.len() as u64;
                (Member::Bytes(script), size)
            }
            _ => (inside(wheel, sha256, zip, &record, entry.name())?, entry.size()),
        };
        sizes.insert(path.clone(), (member.sha256(), size));
        found.push((path, entry.mode(), member));
    }
    let mut text = String::new();
    for (path, (sha256, size)) in &sizes {
        record::line(&mut text, path, Some((sha256, *size)));
    }
    record::line(&mut text, &record.path, None);
    found.push((record.path, Mode::File, Member::Bytes(text.into_bytes())));
    Ok(found)
}

/// Replaces `#!python` in a script by a portable line. An installer would fill it in, but a flat
/// layout is never installed.
fn portable(script: Vec<u8>) -> Vec<u8> {
    match script.strip_prefix(b"#!python") {
        Some(rest) => [b"#!/usr/bin/env python3", rest].concat(),
        None => script,
    }
}
