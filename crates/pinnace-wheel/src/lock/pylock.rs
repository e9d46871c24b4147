//! A reader of `pylock.toml` (PEP 751).

use std::{collections::BTreeMap, path::Path, str::FromStr};

use serde::Deserialize;

use super::{Files, Lock, Package, paths};
use crate::{
    Address, Artifact, Error, ErrorKind, File, ProjectName, sha256::parse_sha256, timestamp,
};
use crate::{Specifiers, Version};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Document {
    lock_version: String,
    #[serde(default)]
    environments: Vec<String>,
    requires_python: Option<String>,
    #[serde(default)]
    extras: Vec<String>,
    #[serde(default)]
    dependency_groups: Vec<String>,
    #[serde(default)]
    default_groups: Vec<String>,
    packages: Vec<Row>,
    #[serde(default)]
    tool: Tool,
}

#[derive(Default, Deserialize)]
struct Tool {
    #[serde(default)]
    pinnace: Own,
}

/// This tool's own table, for facts that PEP 751 has no key for.
#[derive(Default, Deserialize)]
struct Own {
    #[serde(default)]
    loosened: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Row {
    name: String,
    version: Option<String>,
    marker: Option<String>,
    requires_python: Option<String>,
    index: Option<String>,
    #[serde(default)]
    wheels: Vec<FileRow>,
    sdist: Option<FileRow>,
    archive: Option<FileRow>,
    directory: Option<Directory>,
    vcs: Option<Repository>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct FileRow {
    name: Option<String>,
    url: Option<String>,
    path: Option<String>,
    size: Option<u64>,
    upload_time: Option<toml::value::Datetime>,
    #[serde(default)]
    hashes: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Directory {
    path: String,
}

#[derive(Deserialize)]
struct Repository {
    url: Option<String>,
    path: Option<String>,
}

impl Lock {
    /// Checks whether a file of that name is a lock: `pylock.toml` or `pylock.NAME.toml`.
    ///
    /// ```
    /// use pinnace_wheel::Lock;
    ///
    /// assert!(Lock::is_file_name("pylock.prod.toml"));
    /// assert!(!Lock::is_file_name("pylock..toml"));
    /// ```
    pub fn is_file_name(name: &str) -> bool {
        let middle = name.strip_prefix("pylock").and_then(|rest| rest.strip_suffix(".toml"));
        let named = |middle: &str| {
            middle.strip_prefix('.').is_some_and(|it| !it.is_empty() && !it.contains('.'))
        };
        middle.is_some_and(|middle| middle.is_empty() || named(middle))
    }

    /// Parses the text of a lock. Relative paths start from `folder`, which contains the lock.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Lock`] if the text is not a lock of version 1, or if a file in it has
    /// no SHA-256.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, Error> {
        let document: Document =
            toml::from_str(text).map_err(|error| refuse(Error::toml_reason(text, &error)))?;
        let version: Vec<Result<u32, _>> =
            document.lock_version.split('.').map(str::parse).collect();
        if !matches!(version[..], [Ok(1)] | [Ok(1), Ok(_)]) {
            let version = document.lock_version;
            return Err(refuse(format!(
                "unsupported lock version {version}; version 1 is supported"
            )));
        }
        if let Some(text) = &document.requires_python {
            Specifiers::parse_lenient(text)?;
        }
        let marker = |text: &String| text.parse();
        Ok(Self {
            extras: parse_all(&document.extras)?,
            groups: parse_all(&document.dependency_groups)?,
            default_groups: parse_all(&document.default_groups)?,
            loosened: parse_all(&document.tool.pinnace.loosened)?,
            environments: document.environments.iter().map(marker).collect::<Result<_, _>>()?,
            requires_python: document.requires_python,
            packages: document
                .packages
                .into_iter()
                .map(|row| package(row, folder))
                .collect::<Result<_, _>>()?,
        })
    }
}

fn parse_all<T: FromStr<Err = Error>>(texts: &[String]) -> Result<Vec<T>, Error> {
    texts.iter().map(|text| text.parse()).collect()
}

pub(super) fn refuse(reason: String) -> Error {
    ErrorKind::Lock { reason }.into()
}

fn package(row: Row, folder: &Path) -> Result<Package, Error> {
    let name: ProjectName = row.name.parse()?;
    let kinds = [
        row.archive.is_some(),
        row.directory.is_some(),
        row.vcs.is_some(),
        row.sdist.is_some() || !row.wheels.is_empty(),
    ];
    if kinds.iter().filter(|kind| **kind).count() != 1 {
        return Err(refuse(format!(
            "`{name}` must have either wheels and an sdist, or one archive, directory or repository"
        )));
    }
    let file = |row: FileRow| file(row, &name, folder);
    let files = match (row.archive, row.directory, row.vcs) {
        (Some(archive), ..) => Files::Archive(Box::new(file(archive)?)),
        (_, Some(directory), _) => Files::Directory(paths::absolute(folder, &directory.path)),
        (_, _, Some(vcs)) => Files::Repository(vcs.url.or(vcs.path).unwrap_or_default()),
        _ => {
            let rows = row.wheels.into_iter().chain(row.sdist);
            let mut files: Vec<File> = rows.map(file).collect::<Result<_, _>>()?;
            files.iter_mut().for_each(|it| it.requires_python = row.requires_python.clone());
            files.sort_by(|a, b| a.artifact.file_name().cmp(b.artifact.file_name()));
            Files::Listed(files)
        }
    };
    let version: Option<Version> = row.version.map(|text| text.parse()).transpose()?;
    check_versions(&name, version.as_ref(), &files)?;
    Ok(Package {
        version,
        marker: row.marker.map(|text| text.parse()).transpose()?,
        requires_python: row.requires_python,
        index: row.index.map(|text| Address::parse(&text)).transpose()?,
        files,
        name,
    })
}

/// Checks that the files have the version of their entry. A difference is a mistake, or worse.
fn check_versions(
    name: &ProjectName,
    version: Option<&Version>,
    files: &Files,
) -> Result<(), Error> {
    let Some(version) = version else { return Ok(()) };
    let files = match files {
        Files::Listed(files) => files.as_slice(),
        Files::Archive(file) => std::slice::from_ref(&**file),
        Files::Directory(_) | Files::Repository(_) => return Ok(()),
    };
    match files.iter().find(|file| file.artifact.version() != version) {
        Some(file) => Err(refuse(format!(
            "`{name}` is locked to {version}, but `{}` has another version",
            file.artifact.file_name()
        ))),
        None => Ok(()),
    }
}

fn file(row: FileRow, project: &ProjectName, folder: &Path) -> Result<File, Error> {
    let address = match (&row.url, &row.path) {
        (Some(url), _) => Address::parse(url)?,
        (None, Some(path)) => Address::of_path(&paths::absolute(folder, path))?,
        (None, None) => {
            return Err(refuse(format!("a file of `{project}` has neither `url` nor `path`")));
        }
    };
    let name = row.name.unwrap_or_else(|| address.file_name());
    let mut file = File::new(Artifact::parse(&name, project)?, address);
    let sha256 = row.hashes.get("sha256").map(|hex| parse_sha256(hex));
    file.sha256 = match sha256 {
        Some(Some(sha256)) => Some(sha256),
        Some(None) => return Err(refuse(format!("invalid `sha256` of `{name}`"))),
        None => {
            return Err(refuse(format!(
                "`{name}` has no `sha256`; other hashes are not supported"
            )));
        }
    };
    file.size = row.size;
    file.uploaded_at = row.upload_time.and_then(|time| timestamp::parse(&time.to_string()));
    Ok(file)
}
