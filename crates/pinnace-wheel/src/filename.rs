use std::{fmt, str::FromStr};

use crate::{Error, ProjectName, Tag, Version};

/// A wheel's file name: `name-version(-build)?-python-abi-platform.whl` (binary distribution
/// format, "File name convention").
///
/// ```
/// use pinnace_wheel::WheelName;
///
/// let wheel: WheelName = "six-1.16.0-py2.py3-none-any.whl".parse()?;
/// assert_eq!(wheel.project().as_str(), "six");
/// assert_eq!(wheel.tags().count(), 2);
/// # Ok::<(), pinnace_wheel::Error>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct WheelName {
    text: Box<str>,
    project: ProjectName,
    version: Version,
    build: Option<BuildTag>,
    tags: [Box<str>; 3],
}

/// A build tag. It is optional; of two wheels with equally good tags, the higher build wins.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct BuildTag(u64, Box<str>);

impl WheelName {
    /// Returns the file name as it was parsed.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the project.
    pub fn project(&self) -> &ProjectName {
        &self.project
    }

    /// Returns the version.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Returns the build tag, if there is one.
    pub fn build(&self) -> Option<&BuildTag> {
        self.build.as_ref()
    }

    /// Returns every tag of the compressed set: `py2.py3-none-any` has two (PEP 425).
    pub fn tags(&self) -> impl Iterator<Item = Tag> + '_ {
        let [pythons, abis, platforms] = &self.tags;
        pythons.split('.').flat_map(move |python| {
            abis.split('.').flat_map(move |abi| {
                platforms.split('.').map(move |platform| Tag::new(python, abi, platform))
            })
        })
    }

    /// Returns the tags as spelled in the file name: `py2.py3-none-any`.
    pub fn compressed_tags(&self) -> String {
        self.tags.join("-")
    }

    /// Returns the three dotted parts of the compressed tag set.
    pub(crate) fn tag_parts(&self) -> [&str; 3] {
        [&self.tags[0], &self.tags[1], &self.tags[2]]
    }
}

/// The largest number of tags in a file name. Dotted parts are short, but their product is the
/// number of tags that a reader must go through.
const MOST_TAGS: usize = 1_000;

impl FromStr for WheelName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = |reason: &str| Error::parse("wheel file name", text, reason);
        let stem = text.strip_suffix(".whl").ok_or_else(|| refuse("it does not end in `.whl`"))?;
        if !stem.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.+!".contains(&byte)) {
            return Err(refuse("it contains an invalid character"));
        }
        let parts: Vec<&str> = stem.split('-').collect();
        let (head, build, tags) = match parts[..] {
            [name, version, python, abi, platform] => {
                ([name, version], None, [python, abi, platform])
            }
            [name, version, build, python, abi, platform] => {
                ([name, version], Some(build), [python, abi, platform])
            }
            _ => return Err(refuse("it must have five parts, or six with a build tag")),
        };
        let build = match build.map(parse_build) {
            Some(None) => {
                return Err(refuse(
                    "the third of six parts must be a build tag, which starts with a digit",
                ));
            }
            Some(Some(build)) => Some(build),
            None => None,
        };
        if tags.iter().any(|part| part.split('.').any(str::is_empty)) {
            return Err(refuse("a tag is empty"));
        }
        if head[0].contains("__") {
            return Err(refuse("its name has two underscores in a row"));
        }
        if tags[0].split('.').any(|tag| tag.starts_with(|first: char| first.is_ascii_digit())) {
            return Err(refuse("a Python tag starts with a digit"));
        }
        if tags.iter().map(|part| part.split('.').count()).product::<usize>() > MOST_TAGS {
            return Err(refuse("it has too many tags"));
        }
        Ok(Self {
            text: text.into(),
            project: head[0].parse()?,
            version: head[1].replace('_', "-").parse()?,
            build,
            tags: tags.map(Into::into),
        })
    }
}

impl fmt::Display for WheelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A distribution that an index offers: a wheel or a source distribution.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Artifact {
    /// A wheel.
    Wheel(WheelName),
    /// A source distribution, which must be built before it can be installed.
    Sdist(SdistName),
}

impl Artifact {
    /// Parses a file name on the page of `project`. The project's name decides where the name of an
    /// old sdist ends and its version starts.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Parse`](crate::ErrorKind::Parse) if the file is neither a wheel nor a
    /// `.tar.gz` or `.zip` sdist of that project.
    pub fn parse(file_name: &str, project: &ProjectName) -> Result<Self, Error> {
        if !file_name.ends_with(".whl") {
            return SdistName::parse(file_name, project).map(Self::Sdist);
        }
        let wheel: WheelName = file_name.parse()?;
        if wheel.project() != project {
            let reason = format!("it does not belong to the project `{project}`");
            return Err(Error::parse("wheel file name", file_name, reason));
        }
        Ok(Self::Wheel(wheel))
    }

    /// Returns the wheel's name, or `None` for a source distribution.
    pub fn wheel(&self) -> Option<&WheelName> {
        match self {
            Self::Wheel(wheel) => Some(wheel),
            Self::Sdist(_) => None,
        }
    }

    /// Returns the file name.
    pub fn file_name(&self) -> &str {
        match self {
            Self::Wheel(wheel) => wheel.as_str(),
            Self::Sdist(sdist) => &sdist.text,
        }
    }

    /// Returns the version.
    pub fn version(&self) -> &Version {
        match self {
            Self::Wheel(wheel) => wheel.version(),
            Self::Sdist(sdist) => &sdist.version,
        }
    }
}

/// A source distribution's file name: `name-version.tar.gz` (PEP 625, and older forms).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SdistName {
    text: Box<str>,
    project: ProjectName,
    version: Version,
}

impl SdistName {
    /// Returns the whole file name.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the project.
    pub fn project(&self) -> &ProjectName {
        &self.project
    }

    /// Returns the version.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// Returns true if the file is a tar archive, as all current source distributions are (PEP
    /// 625).
    pub(crate) fn is_tar(&self) -> bool {
        self.text.ends_with(".tar.gz")
    }

    /// Returns the name of the top-level folder that contains all files of the archive.
    pub(crate) fn stem(&self) -> &str {
        self.text.trim_end_matches(".zip").trim_end_matches(".tar.gz")
    }

    fn parse(text: &str, project: &ProjectName) -> Result<Self, Error> {
        let refuse = |reason: &str| Error::parse("sdist file name", text, reason);
        let stem = text
            .strip_suffix(".tar.gz")
            .or_else(|| text.strip_suffix(".zip"))
            .ok_or_else(|| refuse("it ends neither in `.whl`, `.tar.gz` nor `.zip`"))?;
        let version = stem.match_indices('-').find_map(|(at, _)| {
            let named: ProjectName = stem[..at].parse().ok()?;
            (named == *project).then(|| stem[at + 1..].parse().ok()).flatten()
        });
        let reason = "expected `name-version`";
        let version = version.ok_or_else(|| refuse(reason))?;
        Ok(Self { text: text.into(), project: project.clone(), version })
    }
}

fn parse_build(text: &str) -> Option<BuildTag> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, rest) = text.split_at(digits);
    Some(BuildTag(number.parse().ok()?, rest.into()))
}
