//! Which file of a release to take on a platform, and why none will do.

use std::{cmp::Reverse, fmt};

use crate::{
    Artifact, Error, File, Match, Misfit, Project, Release, Specifiers, Target, WheelName,
};

/// Why a release cannot be used on a platform.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Unfit {
    /// No wheel fits the platform. `tags` are those that exist, nearest first.
    NoWheel {
        /// How near the nearest came.
        nearest: Misfit,
        /// The compressed tags of its wheels.
        tags: Vec<String>,
    },
    /// There is a source distribution only, which would have to be built.
    NeedsBuild {
        /// Its file name.
        sdist: String,
    },
    /// It excludes this Python.
    RequiresPython(String),
    /// It was withdrawn, with this reason.
    Yanked(String),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoWheel { nearest, tags } => {
                const SHOWN: usize = 5;
                let shown = tags.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
                let more = tags.len().saturating_sub(SHOWN);
                write!(f, "has no wheel for this platform; nearest ({nearest}): {shown}")?;
                if more > 0 { write!(f, " and {more} more") } else { Ok(()) }
            }
            Self::NeedsBuild { sdist } => {
                write!(f, "has no wheel at all, only `{sdist}`, which would have to be built")
            }
            Self::RequiresPython(specifiers) => write!(f, "requires Python {specifiers}"),
            Self::Yanked(reason) if reason.is_empty() => f.write_str("was yanked"),
            Self::Yanked(reason) => write!(f, "was yanked: {reason}"),
        }
    }
}

/// Whether withdrawn files may be taken: only for an exact pin.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Yanked {
    Refused,
    Allowed,
}

/// What [`choose`] found.
pub(crate) enum Choice {
    Wheel(Box<File>),
    Unfit(Unfit),
}

/// The best wheel of a release: by tag, then by build tag.
pub(crate) fn choose(release: &Release, target: &Target, yanked: Yanked) -> Result<Choice, Error> {
    let files = release.files()?;
    let mut fitting = Vec::new();
    let mut excluded = None;
    for (wheel, file) in wheels(&files) {
        let Match::Fit(rank) = target.rank(wheel) else { continue };
        match exclusion(file, target, yanked) {
            Some(reason) => excluded = Some(reason),
            None => fitting.push((rank, Reverse(wheel.build()), file)),
        }
    }
    let best = fitting.into_iter().min_by_key(|(rank, build, _)| (*rank, *build));
    Ok(match (best, excluded) {
        (Some((_, _, file)), _) => Choice::Wheel(Box::new(file.clone())),
        (None, Some(reason)) => Choice::Unfit(reason),
        (None, None) => Choice::Unfit(unfit(&files, target)),
    })
}

/// The release that a solver tries first: the newest stable one, else the newest.
pub(crate) fn best_release<'a>(
    project: &'a Project,
    specifiers: &Specifiers,
) -> Option<&'a Release> {
    let releases = project.releases();
    let mut wanted = releases.iter().filter(|release| specifiers.contains(release.version()));
    let newest = wanted.next()?;
    if !newest.version().is_prerelease() || specifiers.names_prerelease() {
        return Some(newest);
    }
    Some(wanted.find(|release| !release.version().is_prerelease()).unwrap_or(newest))
}

fn wheels(files: &[File]) -> impl Iterator<Item = (&WheelName, &File)> {
    files.iter().filter_map(|file| match &file.artifact {
        Artifact::Wheel(wheel) => Some((wheel, file)),
        Artifact::Sdist(_) => None,
    })
}

fn exclusion(file: &File, target: &Target, yanked: Yanked) -> Option<Unfit> {
    if let Some(text) = &file.requires_python {
        // What cannot be read excludes nothing; installers agree on that.
        let excludes = text
            .parse::<Specifiers>()
            .is_ok_and(|specifiers| !specifiers.contains(&target.python().only_release()));
        if excludes {
            return Some(Unfit::RequiresPython(text.clone()));
        }
    }
    match (&file.yanked, yanked) {
        (Some(reason), Yanked::Refused) => Some(Unfit::Yanked(reason.clone())),
        _ => None,
    }
}

fn unfit(files: &[File], target: &Target) -> Unfit {
    let mut misfits: Vec<(Misfit, String)> = wheels(files)
        .filter_map(|(wheel, _)| match target.rank(wheel) {
            Match::Misfit(misfit) => Some((misfit, wheel.compressed_tags())),
            Match::Fit(_) => None,
        })
        .collect();
    misfits.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    match (misfits.first(), files.first()) {
        (Some((nearest, _)), _) => Unfit::NoWheel {
            nearest: *nearest,
            tags: misfits.into_iter().map(|(_, tags)| tags).collect(),
        },
        (None, Some(sdist)) => Unfit::NeedsBuild { sdist: sdist.artifact.file_name().to_owned() },
        (None, None) => Unfit::NoWheel { nearest: Misfit::Python, tags: Vec::new() },
    }
}
