//! Paths and addresses on the lines of requirements files.

use std::path::{Path, PathBuf};

use super::LocalPath;
use crate::{Address, Error, ExtraName, Marker, ProjectName, Requirement, WheelName};

/// The position of a line: its file, and the text that messages show.
pub(super) struct Place {
    pub(super) file: PathBuf,
    pub(super) origin: String,
}

pub(super) enum Parsed {
    Requirement(Requirement),
    Folder(LocalPath),
}

impl Place {
    fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new(""))
    }

    pub(super) fn beside(&self, path: &str) -> PathBuf {
        self.folder().join(path)
    }

    /// Parses a URL, or the path of a folder.
    pub(super) fn address(&self, text: &str) -> Result<Address, String> {
        if text.contains("://") {
            return Address::parse(text).map_err(|error| error.to_string());
        }
        Address::of_path(&self.beside(text)).map_err(|error| error.to_string())
    }

    /// Makes the path of `name @ ./x.whl` absolute, relative to the file that contains it.
    pub(super) fn absolute(&self, requirement: Requirement) -> Result<Requirement, String> {
        let Some(url) = requirement.url().map(str::to_owned) else { return Ok(requirement) };
        let path = url.strip_prefix("file:").unwrap_or(&url);
        if path.starts_with("//") || url.contains("://") || url.starts_with("git@") {
            return Ok(requirement);
        }
        let address = Address::of_path(&self.beside(path)).map_err(|error| error.to_string())?;
        Ok(requirement.at(address.with_credentials()))
    }

    /// Returns the folder that a requirement by address refers to, or else the requirement itself.
    pub(super) fn folder_of(&self, requirement: &Requirement) -> Parsed {
        let address = requirement.url().and_then(|url| Address::parse(url).ok());
        let path = address.and_then(|address| address.to_path());
        match path.filter(|path| !is_archive(&path.to_string_lossy())) {
            Some(path) => Parsed::Folder(LocalPath {
                path,
                extras: requirement.extras().to_vec(),
                marker: requirement.marker().cloned(),
                origin: self.origin.clone(),
            }),
            None => Parsed::Requirement(requirement.clone()),
        }
    }

    /// Parses a path or URL without a name in front. Extras and a marker may follow.
    pub(super) fn local(&self, path: &str, text: &str) -> Result<Parsed, String> {
        let (_, marker) = split_marker(text);
        let marker = match marker.trim() {
            "" => None,
            marker => Some(marker.parse::<Marker>().map_err(|error| error.to_string())?),
        };
        let (path, extras) = split_extras(path)?;
        let file_name = path.split(['#', '?']).next().and_then(|it| it.rsplit('/').next());
        let file_name = crate::address::percent_decode(file_name.unwrap_or_default());
        if !is_archive(&file_name) {
            if path.starts_with("git+") {
                let reason = "is a repository, but only archives can be built";
                return Err(format!("`{path}` {reason}"));
            }
            if path.contains("://") && !path.starts_with("file:") {
                return Err(format!("`{path}` names no project; write `NAME @ {path}`"));
            }
            let path = self.address(path)?.to_path().unwrap_or_default();
            return Ok(Parsed::Folder(LocalPath {
                path,
                extras,
                marker,
                origin: self.origin.clone(),
            }));
        }
        let project = project_of(&file_name)
            .ok_or_else(|| format!("`{file_name}` is not the file name of a wheel or sdist"))?;
        let (bare, fragment) = path.split_once('#').unwrap_or((path, ""));
        let mut url = self.address(bare)?.with_credentials().to_owned();
        if !fragment.is_empty() {
            url.push_str(&format!("#{fragment}"));
        }
        let requirement = Requirement::any(project).at(&url).with_extras(extras);
        Ok(Parsed::Requirement(match marker {
            Some(marker) => requirement.when(marker),
            None => requirement,
        }))
    }
}

/// Returns the path or URL of a line that has no name in front, or `None` if the line is a requirement.
pub(super) fn place_of(text: &str) -> Option<&str> {
    let (path, _) = split_marker(text);
    let name = path.split(['[', '@', ' ', '<', '>', '=', '~', '!', ';']).next().unwrap_or_default();
    let has_scheme = path.split_once("://").is_some_and(|(scheme, _)| {
        scheme.chars().all(|symbol| symbol.is_ascii_alphanumeric() || symbol == '+')
    });
    let is_path = path.starts_with(['.', '/']) || path.starts_with("file:") || has_scheme;
    let is_archive_here =
        !path.contains('@') && is_archive(path.split(['#', '[']).next().unwrap_or(path));
    let inside = name.contains('/') && !path.contains(" @ ");
    (is_path || is_archive_here || inside).then_some(path)
}

/// Splits a marker from a path or URL. A `;` ends a path. A URL may contain a `;`, so it ends only
/// at one with a blank beside it.
fn split_marker(text: &str) -> (&str, &str) {
    let separators: &[&str] =
        if text.contains("://") && !text.starts_with('.') { &[" ;", "; "] } else { &[";"] };
    let parts = separators.iter().find_map(|separator| text.split_once(separator));
    let (path, marker) = parts.unwrap_or((text, ""));
    (path.trim(), marker.trim())
}

fn is_archive(name: &str) -> bool {
    [".whl", ".tar.gz", ".zip"].iter().any(|end| name.ends_with(end))
}

/// Splits the extras from a path: `path[extra]`.
fn split_extras(path: &str) -> Result<(&str, Vec<ExtraName>), String> {
    let Some((bare, extras)) = path.strip_suffix(']').and_then(|path| path.rsplit_once('[')) else {
        return Ok((path, Vec::new()));
    };
    let parse = |extra: &str| extra.trim().parse().map_err(|error: Error| error.to_string());
    let extras: Result<Vec<ExtraName>, String> = extras.split(',').map(parse).collect();
    Ok((bare, extras?))
}

/// Returns the project of a wheel or, as far as its name tells, of an sdist.
fn project_of(file_name: &str) -> Option<ProjectName> {
    if let Ok(wheel) = file_name.parse::<WheelName>() {
        return Some(wheel.project().clone());
    }
    let stem = file_name.strip_suffix(".tar.gz").or_else(|| file_name.strip_suffix(".zip"))?;
    stem.rsplit_once('-')?.0.parse().ok()
}
