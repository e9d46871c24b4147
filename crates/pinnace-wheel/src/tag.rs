use std::{collections::BTreeMap, fmt};

use crate::WheelName;

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
}

type ByAbi = BTreeMap<Box<str>, ByPlatform>;
type ByPlatform = BTreeMap<Box<str>, u32>;

/// Whether a wheel fits a platform.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Match {
    /// It does; 0 is the best rank.
    Fit(u32),
    /// It does not, and this is how near the miss was.
    Misfit(Misfit),
}

/// Why a wheel does not fit, from the widest miss to the nearest.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Misfit {
    /// Built for another Python.
    Python,
    /// For this Python, but with another ABI.
    Abi,
    /// For this Python and ABI, but for another system, machine or C library.
    Platform,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Python => "built for another Python",
            Self::Abi => "built for another Python ABI",
            Self::Platform => "built for another system, machine or C library",
        })
    }
}

impl Tags {
    /// The table of a list that is ordered best first; repeated tags keep their best rank.
    pub fn new(ordered: impl IntoIterator<Item = Tag>) -> Self {
        let mut tags = Self { ordered: Vec::new(), ranks: BTreeMap::new() };
        for tag in ordered {
            let rank = tags.ordered.len() as u32;
            let abis = tags.ranks.entry(tag.python.clone()).or_default();
            let platforms = abis.entry(tag.abi.clone()).or_default();
            if let std::collections::btree_map::Entry::Vacant(entry) =
                platforms.entry(tag.platform.clone())
            {
                entry.insert(rank);
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
    /// use pinnace_wheel::{Match, Misfit, Tag, Tags};
    ///
    /// let tags = Tags::new([
    ///     Tag::new("cp312", "cp312", "linux_x86_64"),
    ///     Tag::new("py3", "none", "any"),
    /// ]);
    /// assert_eq!(tags.rank(&"a-1-py2.py3-none-any.whl".parse()?), Match::Fit(1));
    /// assert_eq!(
    ///     tags.rank(&"a-1-cp312-cp312-win_amd64.whl".parse()?),
    ///     Match::Misfit(Misfit::Platform),
    /// );
    /// # Ok::<(), pinnace_wheel::Error>(())
    /// ```
    pub fn rank(&self, wheel: &WheelName) -> Match {
        let [pythons, abis, platforms] = wheel.tag_parts().map(|part| part.split('.'));
        let mut best: Option<u32> = None;
        let mut nearest = Misfit::Python;
        for by_abi in pythons.filter_map(|python| self.ranks.get(python)) {
            nearest = nearest.max(Misfit::Abi);
            for by_platform in abis.clone().filter_map(|abi| by_abi.get(abi)) {
                nearest = Misfit::Platform;
                for rank in platforms.clone().filter_map(|platform| by_platform.get(platform)) {
                    best = Some(best.map_or(*rank, |best| best.min(*rank)));
                }
            }
        }
        best.map_or(Match::Misfit(nearest), Match::Fit)
    }
}
