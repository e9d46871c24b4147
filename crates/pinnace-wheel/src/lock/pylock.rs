//! Reading `pylock.toml` (PEP 751).

use std::{collections::BTreeMap, path::Path};

use serde::Deserialize;

use super::{Files, Lock, Package};
use crate::{
    Address, Artifact, Error, ErrorKind, File, ProjectName, index::parse_sha256, timestamp,
};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Document {
    lock_version: String,
    #[serde(default)]
    environments: Vec<String>,
    requires_python: Option<String>,
    packages: Vec<Row>,
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
    /// Whether a file of that name is a lock: `pylock.toml` or `pylock.NAME.toml`.
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

    /// Parses the text of a lock that lies in `folder`, which relative paths start from.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Lock`] if it is no lock of version 1, or a file in it has no SHA-256.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, Error> {
        let document: Document = toml::from_str(text).map_err(|error| refuse(error.to_string()))?;
        if document.lock_version.split('.').next() != Some("1") {
            let version = document.lock_version;
            return Err(refuse(format!(
                "it has the lock version {version}, and this program knows version 1"
            )));
        }
        let marker = |text: &String| text.parse();
        Ok(Self {
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
        (_, Some(directory), _) => Files::Directory(directory.path),
        (_, _, Some(vcs)) => Files::Repository(vcs.url.or(vcs.path).unwrap_or_default()),
        _ => {
            let rows = row.wheels.into_iter().chain(row.sdist);
            let mut files: Vec<File> = rows.map(file).collect::<Result<_, _>>()?;
            files.iter_mut().for_each(|it| it.requires_python = row.requires_python.clone());
            files.sort_by(|a, b| a.artifact.file_name().cmp(b.artifact.file_name()));
            Files::Listed(files)
        }
    };
    Ok(Package {
        version: row.version.map(|text| text.parse()).transpose()?,
        marker: row.marker.map(|text| text.parse()).transpose()?,
        requires_python: row.requires_python,
        index: row.index.map(|text| Address::parse(&text)).transpose()?,
        files,
        name,
    })
}

fn file(row: FileRow, project: &ProjectName, folder: &Path) -> Result<File, Error> {
    let address = match (&row.url, &row.path) {
        (Some(url), _) => Address::parse(url)?,
        (None, Some(path)) => Address::of_path(&folder.join(path))?,
        (None, None) => {
            return Err(refuse(format!("a file of `{project}` has neither `url` nor `path`")));
        }
    };
    let name = row.name.unwrap_or_else(|| address.file_name());
    let mut file = File::new(Artifact::parse(&name, project)?, address);
    let sha256 = row.hashes.get("sha256").map(|hex| parse_sha256(hex));
    file.sha256 = match sha256 {
        Some(Some(sha256)) => Some(sha256),
        Some(None) => return Err(refuse(format!("the `sha256` of `{name}` is none"))),
        None => return Err(refuse(format!("`{name}` has no `sha256`, and no other hash will do"))),
    };
    file.size = row.size;
    file.uploaded_at = row.upload_time.and_then(|time| timestamp::parse(&time.to_string()));
    Ok(file)
}
