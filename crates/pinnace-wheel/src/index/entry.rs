//! A file as a page lists it, before its fields are parsed. A page may list ten thousand files, of
//! which the resolver reads about ten.

use std::borrow::Cow;

use crate::{Address, Artifact, File, MetadataFile, ProjectName, Version, sha256::parse_sha256};

/// One file of a page. Malformed fields are detected where they are used.
#[derive(Debug, Default)]
pub(super) struct Entry<'a> {
    pub(super) name: Cow<'a, str>,
    /// Absolute, or relative to the page.
    pub(super) url: Cow<'a, str>,
    pub(super) sha256: Option<Cow<'a, str>>,
    pub(super) size: Option<u64>,
    pub(super) requires_python: Option<Cow<'a, str>>,
    pub(super) uploaded_at: Option<u64>,
    pub(super) yanked: Option<Cow<'a, str>>,
    /// Empty if there is a metadata file whose hash the index does not state.
    pub(super) metadata_sha256: Option<Cow<'a, str>>,
}

impl Entry<'_> {
    /// Returns the version in the file's name, or `None` if the file is no distribution of that
    /// project. Does not check the tags.
    pub(super) fn version<'n>(&'n self, project: &ProjectName) -> Option<&'n str> {
        let name = &*self.name;
        if let Some(stem) = name.strip_suffix(".whl") {
            let mut parts = stem.split('-');
            let named: ProjectName = parts.next()?.parse().ok()?;
            return (named == *project).then(|| parts.next()).flatten();
        }
        let stem = name.strip_suffix(".tar.gz").or_else(|| name.strip_suffix(".zip"))?;
        let starts_version =
            |text: &str| text.starts_with(|c: char| c.is_ascii_digit() || c == 'v');
        stem.match_indices('-').find_map(|(at, _)| {
            let named: ProjectName = stem[..at].parse().ok()?;
            let version = &stem[at + 1..];
            (named == *project && starts_version(version)).then_some(version)
        })
    }

    /// Returns the file, with its address resolved against `base`. Returns `None` if its name or
    /// address is malformed.
    pub(super) fn file(&self, base: &Address, project: &ProjectName) -> Option<File> {
        let artifact = Artifact::parse(&self.name, project).ok()?;
        let mut file = File::new(artifact, base.join(&self.url)?);
        file.sha256 = self.sha256.as_deref().and_then(parse_sha256);
        file.size = self.size;
        file.requires_python = self.requires_python.as_deref().map(str::to_owned);
        file.uploaded_at = self.uploaded_at;
        file.yanked = self.yanked.as_deref().map(str::to_owned);
        file.metadata_file = match self.metadata_sha256.as_deref().map(parse_sha256) {
            None => MetadataFile::Unknown,
            Some(None) => MetadataFile::Present,
            Some(Some(sha256)) => MetadataFile::Hashed(sha256),
        };
        Some(file)
    }
}

/// Groups entries by version, newest first. Two spellings of one version make one release.
pub(super) fn by_version<'e, 'a>(
    entries: &'e [Entry<'a>],
    project: &ProjectName,
) -> Vec<(Version, Vec<&'e Entry<'a>>)> {
    let mut releases: Vec<(Version, Vec<&Entry<'_>>)> = Vec::new();
    let mut last = "";
    for entry in entries {
        let Some(text) = entry.version(project) else { continue };
        // The files of one version are mostly adjacent.
        if text == last {
            if let Some((_, files)) = releases.last_mut() {
                files.push(entry);
            }
            continue;
        }
        let Ok(version) = text.replace('_', "-").parse() else { continue };
        releases.push((version, vec![entry]));
        last = text;
    }
    releases.sort_by(|a, b| b.0.cmp(&a.0));
    releases.dedup_by(|later, first| {
        let same = later.0 == first.0;
        if same {
            first.1.append(&mut later.1);
        }
        same
    });
    releases
}
