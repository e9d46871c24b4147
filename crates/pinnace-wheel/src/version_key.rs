//! Version keys: versions as bytes that sort by PEP 440, and the places between versions.
//!
//! A solver compares versions millions of times. The ends of its ranges are often not versions:
//! just above all local versions of `1.0`, or just below its first pre-release. A [`VersionKey`] is
//! therefore a string of bytes in the order of versions. One byte at its end tells a version from
//! the places beside it.
//!
//! ```text
//! epoch, release without trailing zeros, end       numbers as encoded by `push_number`
//! pre-release: 1 = development release only, 2 a, 3 b, 4 rc (and a number), 5 none
//! post:  1 none, 2 and a number, 255 = above all post releases (the key ends here)
//! dev:   1 and a number, 2 none
//! local: 1 none, 2 and segments, 255 = above all local versions (the key ends here)
//! edge:  1 below every spelling, 2 and the length of the release as spelled, 3 above them
//! ```

use std::fmt;

use pep440_rs::{LocalSegment, PrereleaseKind, Version};
use smallvec::SmallVec;

/// A version key: a version, or a place just before or after it that no version can take.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct VersionKey(Bytes);

/// The bytes of a key. Nearly all versions fit without an allocation.
type Bytes = SmallVec<[u8; 22]>;

const END: u8 = 0;
const DEV_ONLY: u8 = 1;
const FINAL: u8 = 5;
const ABSENT: u8 = 1;
const PRESENT: u8 = 2;
const ABOVE_ALL: u8 = 255;
const DEV: u8 = 1;
const NO_DEV: u8 = 2;
const TEXT: u8 = 2;
const NUMBER: u8 = 3;
const SEGMENTS_END: u8 = 1;
const BELOW: u8 = 1;
const SPELLED: u8 = 2;
const ABOVE: u8 = 3;

impl VersionKey {
    /// Creates the key of a version itself.
    pub(crate) fn of(version: &Version) -> Self {
        let mut bytes = whole(version);
        bytes.push(SPELLED);
        push_number(&mut bytes, version.release().len() as u64);
        Self(bytes)
    }

    /// Creates the key below every spelling of the version.
    pub(crate) fn below(version: &Version) -> Self {
        let mut bytes = whole(version);
        bytes.push(BELOW);
        Self(bytes)
    }

    /// Creates the key above every spelling of the version. If the version is not local, its local
    /// versions are below the key, too.
    pub(crate) fn above(version: &Version) -> Self {
        let mut bytes = public(version);
        if version.is_local() {
            push_local(&mut bytes, version);
            bytes.push(ABOVE);
        } else {
            bytes.push(ABOVE_ALL);
        }
        Self(bytes)
    }

    /// Creates the key above all post releases of the version and their local versions.
    pub(crate) fn above_posts(version: &Version) -> Self {
        let mut bytes = until_post(version);
        bytes.push(ABOVE_ALL);
        Self(bytes)
    }

    /// Returns true if both keys are at the same version, regardless of the edge.
    pub(crate) fn is_beside(&self, other: &Self) -> bool {
        self.version() == other.version()
    }

    /// Returns true if the key is below its version.
    pub(crate) fn is_below(&self) -> bool {
        Reader(&self.0).read().1 == Some(BELOW)
    }

    /// Returns true if the key is a version.
    pub(crate) fn is_version(&self) -> bool {
        Reader(&self.0).read().1 == Some(SPELLED)
    }

    /// Returns the version that the key is at.
    pub(crate) fn version(&self) -> Version {
        Reader(&self.0).read().0
    }
}

impl fmt::Display for VersionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.version().fmt(f)
    }
}

fn whole(version: &Version) -> Bytes {
    let mut bytes = public(version);
    push_local(&mut bytes, version);
    bytes
}

/// Encodes all but the local part and the edge.
fn public(version: &Version) -> Bytes {
    let mut bytes = until_post(version);
    match version.post() {
        None => bytes.push(ABSENT),
        Some(post) => {
            bytes.push(PRESENT);
            push_number(&mut bytes, post);
        }
    }
    match version.dev() {
        None => bytes.push(NO_DEV),
        Some(dev) => {
            bytes.push(DEV);
            push_number(&mut bytes, dev);
        }
    }
    bytes
}

fn until_post(version: &Version) -> Bytes {
    let mut bytes = Bytes::new();
    push_number(&mut bytes, version.epoch());
    let release = version.release();
    let length = release.iter().rposition(|number| *number != 0).map_or(0, |last| last + 1);
    release[..length].iter().for_each(|number| push_number(&mut bytes, *number));
    bytes.push(END);
    match version.pre() {
        Some(pre) => {
            bytes.push(match pre.kind {
                PrereleaseKind::Alpha => 2,
                PrereleaseKind::Beta => 3,
                PrereleaseKind::Rc => 4,
            });
            push_number(&mut bytes, pre.number);
        }
        None if version.post().is_none() && version.dev().is_some() => bytes.push(DEV_ONLY),
        None => bytes.push(FINAL),
    }
    bytes
}

fn push_local(bytes: &mut Bytes, version: &Version) {
    if !version.is_local() {
        return bytes.push(ABSENT);
    }
    bytes.push(PRESENT);
    for segment in version.local() {
        match segment {
            LocalSegment::String(text) => {
                bytes.push(TEXT);
                bytes.extend_from_slice(text.as_bytes());
                bytes.push(END);
            }
            LocalSegment::Number(number) => {
                bytes.push(NUMBER);
                push_number(bytes, *number);
            }
        }
    }
    bytes.push(SEGMENTS_END);
}

/// The largest number that is encoded as one byte, whose value is one more than the number.
const SMALL: u64 = 238;

/// Appends a number. Larger numbers are encoded as their length and their bytes, so that bytes sort
/// like numbers. No number starts with a zero byte, because that ends a list of numbers.
fn push_number(bytes: &mut Bytes, number: u64) {
    if number <= SMALL {
        return bytes.push(number as u8 + 1);
    }
    let all = number.to_be_bytes();
    let length = 8 - (number.leading_zeros() / 8) as usize;
    bytes.push(SMALL as u8 + 1 + length as u8);
    bytes.extend_from_slice(&all[8 - length..]);
}

/// A decoder of keys. Only this module creates keys, so missing bytes count as zero.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    /// Decodes the version, and the edge if the key has one.
    fn read(mut self) -> (Version, Option<u8>) {
        let epoch = self.number();
        let mut release = Vec::new();
        while self.0.first().is_some_and(|byte| *byte != END) {
            release.push(self.number());
        }
        self.byte();
        let pre = self.pre();
        let (post, post_edge) = match self.byte() {
            PRESENT => (Some(self.number()), None),
            ABOVE_ALL => (None, Some(ABOVE)),
            _ => (None, None),
        };
        let dev = (self.byte() == DEV).then(|| self.number());
        let (local, local_edge) = match self.byte() {
            PRESENT => (self.local(), None),
            ABOVE_ALL => (Vec::new(), Some(ABOVE)),
            _ => (Vec::new(), None),
        };
        let edge = post_edge.or(local_edge).or_else(|| Some(self.byte()));
        let spelled = if edge == Some(SPELLED) { self.number() as usize } else { 1 };
        release.resize(release.len().max(spelled), 0);
        let version = Version::new(release).with_epoch(epoch).with_pre(pre).with_post(post);
        (version.with_dev(dev).with_local(local), edge)
    }

    fn pre(&mut self) -> Option<pep440_rs::Prerelease> {
        let kind = match self.byte() {
            2 => PrereleaseKind::Alpha,
            3 => PrereleaseKind::Beta,
            4 => PrereleaseKind::Rc,
            _ => return None,
        };
        Some(pep440_rs::Prerelease { kind, number: self.number() })
    }

    fn local(&mut self) -> Vec<LocalSegment> {
        let mut segments = Vec::new();
        loop {
            match self.byte() {
                TEXT => {
                    let length = self.0.iter().position(|byte| *byte == END).unwrap_or_default();
                    let (text, rest) = self.0.split_at(length);
                    self.0 = rest.get(1..).unwrap_or_default();
                    segments.push(LocalSegment::String(String::from_utf8_lossy(text).into()));
                }
                NUMBER => segments.push(LocalSegment::Number(self.number())),
                _ => return segments,
            }
        }
    }

    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn number(&mut self) -> u64 {
        let first = u64::from(self.byte());
        match first.checked_sub(SMALL + 2) {
            None => first.saturating_sub(1),
            Some(more) => (0..=more).fold(0, |number, _| number << 8 | u64::from(self.byte())),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn versions() -> impl Strategy<Value = Version> {
        let number = prop_oneof![0..3u64, 235..245u64, any::<u64>()];
        let pre = proptest::option::of((0..3usize, 0..3u64));
        let tail = proptest::option::of(0..3u64);
        let local =
            prop_oneof![Just(""), Just("+a"), Just("+ab"), Just("+1"), Just("+1.a"), Just("+a.1")];
        let release = proptest::collection::vec(number, 1..4);
        (0..2u64, release, pre, tail.clone(), tail, local).prop_map(
            |(epoch, release, pre, post, dev, local)| {
                let release: Vec<_> = release.iter().map(u64::to_string).collect();
                let mut text = format!("{epoch}!{}", release.join("."));
                if let Some((kind, number)) = pre {
                    text.push_str(&format!("{}{number}", ["a", "b", "rc"][kind]));
                }
                text.extend(post.map(|post| format!(".post{post}")));
                text.extend(dev.map(|dev| format!(".dev{dev}")));
                format!("{text}{local}").parse().unwrap()
            },
        )
    }

    proptest! {
        #[test]
        fn keys_of_versions_sort_as_versions_do(a in versions(), b in versions()) {
            let (left, right) = (VersionKey::of(&a), VersionKey::of(&b));
            let same = a.cmp(&b).then(a.release().len().cmp(&b.release().len()));
            prop_assert_eq!(left.cmp(&right), same, "{} {}", a, b);
        }

        #[test]
        fn a_key_holds_its_version(version in versions()) {
            let key = VersionKey::of(&version);
            prop_assert_eq!(key.version().to_string(), version.to_string());
            prop_assert!(key.is_version());
            prop_assert!(VersionKey::below(&version) < key && key < VersionKey::above(&version));
            prop_assert!(VersionKey::below(&version).is_below());
            prop_assert!(VersionKey::above(&version) < VersionKey::above_posts(&version));
        }
    }
}
