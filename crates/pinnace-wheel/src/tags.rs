use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    fmt,
};

use crate::{Tag, WheelName};

/// The tags that a platform accepts, best first.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tags {
    ordered: Vec<Tag>,
    /// The rank of each tag, by Python, then by ABI, then by platform.
    ranks: BTreeMap<Box<str>, ByAbi>,
    systems: BTreeSet<(Box<str>, Box<str>)>,
}

type ByAbi = BTreeMap<Box<str>, ByPlatform>;
type ByPlatform = BTreeMap<Box<str>, u32>;

/// The compatibility of a wheel with a platform.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Compatibility {
    /// The wheel fits; 0 is the best rank.
    Compatible(u32),
    /// The wheel does not fit, with the part that it misses on.
    Incompatible(Incompatibility),
}

/// A reason why a wheel does not fit, ordered from the widest miss to the nearest.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Incompatibility {
    /// Built for another Python.
    Python,
    /// Built for this Python, but with another ABI.
    Abi,
    /// Built for this Python and ABI, but for another system.
    System,
    /// Built for this system, but for another machine.
    Machine,
    /// Built for this machine, but for a newer version of the system or another C library.
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
    /// Creates the table from a list of tags, best first. A repeated tag keeps its best rank.
    pub fn new(ordered: impl IntoIterator<Item = Tag>) -> Self {
        let mut tags =
            Self { ordered: Vec::new(), ranks: BTreeMap::new(), systems: BTreeSet::new() };
        for tag in ordered {
            let rank = tags.ordered.len() as u32;
            let abis = tags.ranks.entry(tag.python().into()).or_default();
            let platforms = abis.entry(tag.abi().into()).or_default();
            if let Entry::Vacant(entry) = platforms.entry(tag.platform().into()) {
                entry.insert(rank);
                let (system, machine) = system_and_machine(tag.platform());
                if !tags.systems.iter().any(|(s, m)| (&**s, &**m) == (system, machine)) {
                    tags.systems.insert((system.into(), machine.into()));
                }
                tags.ordered.push(tag);
            }
        }
        tags
    }

    /// Returns the tags, best first.
    pub fn iter(&self) -> impl Iterator<Item = &Tag> {
        self.ordered.iter()
    }

    /// Ranks a wheel by its best tag. If no tag fits, returns the nearest miss.
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

    /// Returns the nearest miss of the wheel's platforms, for any Python. Returns `None` if all are
    /// for another system.
    pub(crate) fn rank_platform(&self, wheel: &WheelName) -> Option<Incompatibility> {
        let [.., platforms] = wheel.tag_parts();
        let here = |platform: &str| match platform {
            "any" => Incompatibility::SystemVersion,
            _ if self.ordered.iter().any(|tag| tag.platform() == platform) => {
                Incompatibility::SystemVersion
            }
            _ => self.miss(platform),
        };
        platforms.split('.').map(here).max().filter(|nearest| *nearest > Incompatibility::System)
    }

    /// Returns how a platform tag misses that is not accepted.
    fn miss(&self, platform: &str) -> Incompatibility {
        let (system, machine) = system_and_machine(platform);
        let here = self.systems.iter().filter(|(known, _)| **known == *system);
        match here.map(|(_, known)| **known == *machine).max() {
            None => Incompatibility::System,
            Some(false) => Incompatibility::Machine,
            Some(true) => Incompatibility::SystemVersion,
        }
    }
}

/// Splits a platform tag: `manylinux_2_28_x86_64` into `linux` and `x86_64`.
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
    // Versions are numbers between underscores; no machine name starts with a digit.
    let numbers = rest.trim_start_matches(|symbol: char| symbol.is_ascii_digit() || symbol == '_');
    (system, if system == "win" { rest } else { numbers })
}
