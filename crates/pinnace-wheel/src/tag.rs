use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    fmt,
    str::FromStr,
};

use crate::{Error, WheelName};

/// One tag of PEP 425: what a wheel was built for.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Tag {
    python: Box<str>,
    abi: Box<str>,
    platform: Box<str>,
}

impl Tag {
    /// The tag with these three parts.
    pub fn new(python: &str, abi: &str, platform: &str) -> Self {
        Self { python: python.into(), abi: abi.into(), platform: platform.into() }
    }

    /// `cp312` of `cp312-abi3-linux_x86_64`.
    pub fn python(&self) -> &str {
        &self.python
    }

    /// `abi3` of `cp312-abi3-linux_x86_64`.
    pub fn abi(&self) -> &str {
        &self.abi
    }

    /// `linux_x86_64` of `cp312-abi3-linux_x86_64`.
    pub fn platform(&self) -> &str {
        &self.platform
    }
}

impl FromStr for Tag {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let is_part = |part: &&str| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        match text.split('-').collect::<Vec<_>>()[..] {
            [python, abi, platform] if [python, abi, platform].iter().all(is_part) => {
                Ok(Self::new(python, abi, platform))
            }
            _ => Err(Error::parse("tag", text, "it is not `python-abi-platform`")),
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}-{}", self.python, self.abi, self.platform)
    }
}

/// The tags that a platform accepts, best first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tags {
    ordered: Vec<Tag>,
    /// By Python, then by ABI, then by platform.
    ranks: BTreeMap<Box<str>, ByAbi>,
    systems: BTreeSet<(Box<str>, Box<str>)>,
}

type ByAbi = BTreeMap<Box<str>, ByPlatform>;
type ByPlatform = BTreeMap<Box<str>, u32>;

/// Whether a wheel fits a platform.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Compatibility {
    /// It does; 0 is the best rank.
    Compatible(u32),
    /// It does not, and this is how near the miss was.
    Incompatible(Incompatibility),
}

/// Why a wheel does not fit, from the widest miss to the nearest.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Incompatibility {
    /// Built for another Python.
    Python,
    /// For this Python, but with another ABI.
    Abi,
    /// For this Python and ABI, but for another system.
    System,
    /// For this system, too, but for another machine.
    Machine,
    /// For this machine, too, but for a newer version of the system, or for another C library.
    SystemVersion,
}

impl fmt::Display for Incompatibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Python => "built for another Python",
            Self::Abi => "built for another Python ABI",
            Self::System => "built for another system",
            Self::Machine => "built for another machine",
            Self::SystemVersion => "built for a newer system or another C library",
        })
    }
}

impl Tags {
    /// The table of a list that is ordered best first; repeated tags keep their best rank.
    pub fn new(ordered: impl IntoIterator<Item = Tag>) -> Self {
        let mut tags =
            Self { ordered: Vec::new(), ranks: BTreeMap::new(), systems: BTreeSet::new() };
        for tag in ordered {
            let rank = tags.ordered.len() as u32;
            let abis = tags.ranks.entry(tag.python.clone()).or_default();
            let platforms = abis.entry(tag.abi.clone()).or_default();
            if let Entry::Vacant(entry) = platforms.entry(tag.platform.clone()) {
                entry.insert(rank);
                let (system, machine) = system_and_machine(&tag.platform);
                if !tags.systems.iter().any(|(s, m)| (&**s, &**m) == (system, machine)) {
                    tags.systems.insert((system.into(), machine.into()));
                }
                tags.ordered.push(tag);
            }
        }
        tags
    }

    /// The tags, best first.
    pub fn iter(&self) -> impl Iterator<Item = &Tag> {
        self.ordered.iter()
    }

    /// The best of what the wheel's tags come to.
    ///
    /// ```
    /// use pinnace_wheel::{Compatibility, Incompatibility, Tag, Tags};
    ///
    /// let tags = Tags::new([
    ///     Tag::new("cp312", "cp312", "linux_x86_64"),
    ///     Tag::new("py3", "none", "any"),
    /// ]);
    /// assert_eq!(tags.rank(&"a-1-py2.py3-none-any.whl".parse()?), Compatibility::Compatible(1));
    /// assert_eq!(
    ///     tags.rank(&"a-1-cp312-cp312-win_amd64.whl".parse()?),
    ///     Compatibility::Incompatible(Incompatibility::System),
    /// );
    /// # Ok::<(), pinnace_wheel::Error>(())
    /// ```
    pub fn rank(&self, wheel: &WheelName) -> Compatibility {
        let [pythons, abis, platforms] = wheel.tag_parts().map(|part| part.split('.'));
        let mut best: Option<u32> = None;
        let mut nearest = Incompatibility::Python;
        for by_abi in pythons.filter_map(|python| self.ranks.get(python)) {
            nearest = nearest.max(Incompatibility::Abi);
            for by_platform in abis.clone().filter_map(|abi| by_abi.get(abi)) {
                nearest = nearest.max(Incompatibility::System);
                for platform in platforms.clone() {
                    match by_platform.get(platform) {
                        Some(rank) => best = Some(best.map_or(*rank, |best| best.min(*rank))),
                        None if best.is_none() => nearest = nearest.max(self.miss(platform)),
                        None => {}
                    }
                }
            }
        }
        best.map_or(Compatibility::Incompatible(nearest), Compatibility::Compatible)
    }

    /// How near the platform of a wheel is, whatever Python it is for; `None` is far.
    pub(crate) fn rank_platform(&self, wheel: &WheelName) -> Option<Incompatibility> {
        let [.., platforms] = wheel.tag_parts();
        let here = |platform: &str| match platform {
            "any" => Incompatibility::SystemVersion,
            _ if self.ordered.iter().any(|tag| &*tag.platform == platform) => {
                Incompatibility::SystemVersion
            }
            _ => self.miss(platform),
        };
        platforms.split('.').map(here).max().filter(|misfit| *misfit > Incompatibility::System)
    }

    /// How near a platform tag is that is not accepted.
    fn miss(&self, platform: &str) -> Incompatibility {
        let (system, machine) = system_and_machine(platform);
        let here = self.systems.iter().filter(|(one, _)| **one == *system);
        match here.map(|(_, one)| **one == *machine).max() {
            None => Incompatibility::System,
            Some(false) => Incompatibility::Machine,
            Some(true) => Incompatibility::SystemVersion,
        }
    }
}

/// `linux` and `x86_64` of `manylinux_2_28_x86_64`.
fn system_and_machine(platform: &str) -> (&str, &str) {
    const SYSTEMS: [(&str, &str); 8] = [
        ("manylinux_", "linux"),
        ("manylinux", "linux"),
        ("musllinux_", "linux"),
        ("linux_", "linux"),
        ("macosx_", "macosx"),
        ("win", "win"),
        ("ios_", "ios"),
        ("android_", "android"),
    ];
    let found =
        SYSTEMS.iter().find_map(|(prefix, system)| Some((*system, platform.strip_prefix(prefix)?)));
    let Some((system, rest)) = found else { return (platform, "") };
    // Versions are numbers between underscores, and no machine starts with a digit.
    let numbers = rest.trim_start_matches(|symbol: char| symbol.is_ascii_digit() || symbol == '_');
    (system, if system == "win" { rest } else { numbers })
}
