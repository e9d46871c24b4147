//! The choice of a release's file on a platform, and the reasons why no file can be used.

use std::{cmp::Reverse, collections::BTreeSet, fmt};

use super::request::FileRules;
use crate::{
    Artifact, Compatibility, Error, File, Incompatibility, Project, ProjectName, Release,
    Specifiers, Target, WheelName,
};

/// A reason why a release cannot be used.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Unfit {
    /// No wheel fits the platform.
    NoWheel {
        /// The incompatibility of the nearest wheel.
        nearest: Incompatibility,
        /// The compressed tags of its wheels, nearest first.
        tags: Vec<String>,
    },
    /// The release has only a source distribution, but only wheels are allowed.
    OnlySdist {
        /// The file name of the source distribution.
        sdist: String,
    },
    /// The release's requirements are only known after a build.
    NeedsBuild {
        /// The file name of the source distribution.
        sdist: String,
        /// The compressed tags of its wheels, nearest first. None of them fits.
        tags: Vec<String>,
    },
    /// The release has only wheels, but no wheels are allowed.
    OnlyWheels,
    /// Its `Requires-Python` excludes this Python.
    RequiresPython(String),
    /// The release was yanked, with this reason.
    Yanked(String),
    /// Its files were uploaded after the time limit of the request.
    TooNew,
    /// The request has a time limit, and the index does not tell when the files were uploaded.
    NoUploadTime,
    /// No file has an allowed hash.
    WrongHash,
    /// Its files are of an unknown kind.
    NoFile,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoWheel { nearest, tags } => {
                let tags = Shown(tags);
                write!(f, "has no wheel for this platform; nearest ({nearest}): {tags}")
            }
            Self::OnlySdist { sdist } => {
                write!(f, "has no wheels, only `{sdist}`, which needs a build")
            }
            Self::NeedsBuild { sdist, tags } if tags.is_empty() => {
                write!(f, "has only `{sdist}`, which must be built to read its requirements")
            }
            Self::NeedsBuild { sdist, tags } => write!(
                f,
                "has no wheel for this platform (nearest: {}), and `{sdist}` must be built to read \
                 its requirements",
                Shown(tags)
            ),
            Self::OnlyWheels => f.write_str("has no source distribution, and wheels are excluded"),
            Self::RequiresPython(specifiers) => write!(f, "requires Python {specifiers}"),
            Self::Yanked(reason) if reason.is_empty() => f.write_str("was yanked"),
            Self::Yanked(reason) => write!(f, "was yanked: {reason}"),
            Self::TooNew => f.write_str("is newer than `--exclude-newer` allows"),
            Self::NoUploadTime => {
                f.write_str("has no upload time on its index, so `--exclude-newer` excludes it")
            }
            Self::WrongHash => f.write_str("has no file with an allowed hash"),
            Self::NoFile => f.write_str("has no file of a known kind"),
        }
    }
}

/// A list of tags, of which only the first few are displayed.
struct Shown<'a>(&'a [String]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 5;
        let shown = &self.0[..self.0.len().min(SHOWN)];
        f.write_str(&shown.join(", "))?;
        match self.0.len() - shown.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// A policy for yanked files: they are allowed only for an exact pin (PEP 592).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Yanked {
    Refused,
    Allowed,
}

/// The result of [`Candidates::choose`].
pub(crate) enum Choice {
    File(Box<File>),
    Unfit(Unfit),
}

/// The target and the rules that decide which files of a project can be used.
#[derive(Clone, Copy)]
pub(crate) struct Candidates<'a> {
    pub(crate) target: &'a Target,
    pub(crate) rules: &'a FileRules,
}

impl Candidates<'_> {
    /// Chooses the best file of a release: a wheel by tag, then by build tag, else a source
    /// distribution.
    pub(crate) fn choose(
        &self,
        project: &ProjectName,
        release: &Release,
        yanked: Yanked,
    ) -> Result<Choice, Error> {
        let files = release.files()?;
        let mut best = None;
        let mut excluded = None;
        for file in files.iter() {
            let Some(rank) = self.rank(project, file) else { continue };
            match self.exclusion(project, file, yanked) {
                Some(reason) => excluded = Some(reason),
                None if best.as_ref().is_none_or(|(known, _)| rank < *known) => {
                    best = Some((rank, file));
                }
                None => {}
            }
        }
        Ok(match (best, excluded) {
            (Some((_, file)), _) => Choice::File(Box::new(file.clone())),
            (None, Some(reason)) => Choice::Unfit(reason),
            (None, None) => Choice::Unfit(self.unfit(project, files)),
        })
    }

    /// Ranks a file: less is better. Returns `None` if the file does not fit or its format is
    /// refused.
    fn rank<'f>(&self, project: &ProjectName, file: &'f File) -> Option<Rank<'f>> {
        match &file.artifact {
            Artifact::Wheel(wheel) if !self.rules.no_binary.contains(project) => {
                match self.target.rank(wheel) {
                    Compatibility::Compatible(rank) => {
                        Some(Rank::Wheel(rank, Reverse(wheel.build())))
                    }
                    Compatibility::Incompatible(_) => None,
                }
            }
            Artifact::Sdist(sdist) if !self.rules.only_binary.contains(project) => {
                Some(Rank::Sdist(Reverse(sdist.is_tar())))
            }
            _ => None,
        }
    }

    fn exclusion(&self, project: &ProjectName, file: &File, yanked: Yanked) -> Option<Unfit> {
        // A hash missing from the index is checked after the file is downloaded.
        let allowed = self.rules.hashes.allowed.get(project);
        if allowed.zip(file.sha256).is_some_and(|(all, sha256)| !all.contains(&sha256)) {
            return Some(Unfit::WrongHash);
        }
        match (self.rules.exclude_newer, file.uploaded_at) {
            (Some(_), None) if !file.address.is_file() => return Some(Unfit::NoUploadTime),
            (Some(limit), Some(time)) if time >= limit => return Some(Unfit::TooNew),
            _ => {}
        }
        if let Some(text) =
            file.requires_python.as_ref().filter(|it| excludes_python(it, self.target))
        {
            return Some(Unfit::RequiresPython(text.clone()));
        }
        match (&file.yanked, yanked) {
            (Some(reason), Yanked::Refused) => Some(Unfit::Yanked(reason.clone())),
            _ => None,
        }
    }

    /// Returns the reason why a release without any rankable file cannot be used.
    fn unfit(&self, project: &ProjectName, files: &[File]) -> Unfit {
        if self.rules.no_binary.contains(project) {
            return Unfit::OnlyWheels;
        }
        match (self.incompatible_wheels(files), files.first()) {
            ((Some(nearest), tags), _) => Unfit::NoWheel { nearest, tags },
            ((None, _), Some(sdist)) => {
                Unfit::OnlySdist { sdist: sdist.artifact.file_name().to_owned() }
            }
            ((None, _), None) => Unfit::NoFile,
        }
    }

    /// Returns the incompatibility of the nearest wheel that does not fit, and the tags of all such
    /// wheels, nearest first.
    pub(super) fn incompatible_wheels(
        &self,
        files: &[File],
    ) -> (Option<Incompatibility>, Vec<String>) {
        // Of equally incompatible wheels, those for this system are nearer.
        let ranked: BTreeSet<(Reverse<Incompatibility>, Reverse<Option<Incompatibility>>, String)> =
            wheels(files)
                .filter_map(|wheel| match self.target.rank(wheel) {
                    Compatibility::Incompatible(incompatibility) => {
                        let system = self.target.tags().rank_platform(wheel);
                        Some((Reverse(incompatibility), Reverse(system), wheel.compressed_tags()))
                    }
                    Compatibility::Compatible(_) => None,
                })
                .collect();
        let nearest = ranked.first().map(|(Reverse(nearest), ..)| *nearest);
        (nearest, ranked.into_iter().map(|(.., tags)| tags).collect())
    }
}

#[derive(Eq, Ord, PartialEq, PartialOrd)]
enum Rank<'f> {
    Wheel(u32, Reverse<Option<&'f crate::BuildTag>>),
    Sdist(Reverse<bool>),
}

/// Returns true if the specifiers exclude the target's Python. Specifiers that cannot be parsed
/// exclude nothing; installers agree on that.
pub(crate) fn excludes_python(specifiers: &str, target: &Target) -> bool {
    Specifiers::parse_lenient(specifiers)
        .is_ok_and(|specifiers| !specifiers.contains(&target.python().only_release()))
}

/// Returns the release that a solver tries first: the newest stable one, else the newest.
pub(crate) fn best_release<'a>(
    project: &'a Project,
    specifiers: &Specifiers,
) -> Option<&'a Release> {
    let range = specifiers.ranges();
    let mut wanted = project.releases().iter().filter(|release| range.contains(release.key()));
    let newest = wanted.next()?;
    if !newest.version().is_prerelease() {
        return Some(newest);
    }
    Some(wanted.find(|release| !release.version().is_prerelease()).unwrap_or(newest))
}

fn wheels(files: &[File]) -> impl Iterator<Item = &WheelName> {
    files.iter().filter_map(|file| file.artifact.wheel())
}
