//! Version specifiers as ranges that a solver can calculate with, by the rules of `packaging` 26.

use std::ops::Bound;

use pep440_rs::Version;
use pubgrub::Ranges;

use crate::{
    specifier::{Operator, Specifier},
    version_key::VersionKey,
};

/// Returns the versions that satisfy one specifier.
pub(crate) fn ranges(specifier: &Specifier) -> Ranges<VersionKey> {
    // Text that is not a version matches no version.
    let Some(version) = specifier.version() else { return Ranges::empty() };
    match specifier.operator() {
        Operator::Equal => equal(version),
        Operator::NotEqual => equal(version).complement(),
        Operator::Arbitrary => Ranges::singleton(VersionKey::of(version)),
        Operator::EqualPrefix => prefix(version),
        Operator::NotEqualPrefix => prefix(version).complement(),
        Operator::Compatible => compatible(version),
        Operator::Less => {
            Ranges::strictly_lower_than(VersionKey::below(&least_prerelease(version)))
        }
        Operator::LessOrEqual => Ranges::lower_than(VersionKey::above(version)),
        Operator::Greater => greater(version),
        Operator::GreaterOrEqual => Ranges::higher_than(VersionKey::below(version)),
    }
}

/// Checks whether a text satisfies a specifier. The text may be something other than a version.
pub(crate) fn holds_for(specifier: &Specifier, text: &str) -> bool {
    match text.parse::<crate::Version>() {
        Ok(version) => ranges(specifier).contains(&version.key()),
        Err(_) => {
            specifier.operator() == Operator::Arbitrary
                && specifier.text().eq_ignore_ascii_case(text)
        }
    }
}

/// Returns the range of one version in all its spellings. It includes the local versions, unless
/// the version is local itself.
fn equal(version: &Version) -> Ranges<VersionKey> {
    Ranges::from_range_bounds(VersionKey::below(version)..=VersionKey::above(version))
}

/// Returns the range of `==1.2.*`: from the first development release of `1.2` to that of `1.3`.
fn prefix(version: &Version) -> Ranges<VersionKey> {
    let next = next_prefix(version, version.release().len());
    let first = bare(version, version.release().to_vec()).with_dev(Some(0));
    Ranges::from_range_bounds(VersionKey::below(&first)..VersionKey::below(&next))
}

/// Returns the range of `~=1.4.2`: at least that version, and below `1.5`.
fn compatible(version: &Version) -> Ranges<VersionKey> {
    let length = version.release().len().saturating_sub(1).max(1);
    Ranges::from_range_bounds(
        VersionKey::below(version)..VersionKey::below(&next_prefix(version, length)),
    )
}

/// Returns the range of `>`. `>1.0` excludes the post releases of `1.0`; `>1.0.post1` excludes only
/// itself.
fn greater(version: &Version) -> Ranges<VersionKey> {
    let public = version.clone().without_local();
    if let Some(dev) = version.dev() {
        return Ranges::higher_than(VersionKey::below(
            &public.with_dev(Some(dev.saturating_add(1))),
        ));
    }
    if let Some(post) = version.post() {
        let next = public.with_post(Some(post.saturating_add(1))).with_dev(Some(0));
        return Ranges::higher_than(VersionKey::below(&next));
    }
    Ranges::strictly_higher_than(VersionKey::above_posts(&public))
}

/// Returns the lower end of what `<` excludes. `<1.0` excludes the pre-releases of `1.0`, unless it
/// names a pre-release itself.
fn least_prerelease(version: &Version) -> Version {
    if version.any_prerelease() {
        version.clone()
    } else {
        version.clone().without_local().with_dev(Some(0))
    }
}

fn next_prefix(version: &Version, length: usize) -> Version {
    let mut release = version.release()[..length.min(version.release().len())].to_vec();
    if let Some(last) = release.last_mut() {
        *last = last.saturating_add(1);
    }
    bare(version, release).with_dev(Some(0))
}

fn bare(version: &Version, release: Vec<u64>) -> Version {
    Version::new(release).with_epoch(version.epoch())
}

/// Describes ranges in the syntax of specifiers: `>=1,<2 or ==3`.
pub(crate) fn describe(ranges: &Ranges<VersionKey>) -> String {
    if ranges == &Ranges::full() {
        return String::new();
    }
    let segments = ranges.iter().map(|(start, end)| match (start, end) {
        (Bound::Included(a), Bound::Included(b)) if a.is_beside(b) => format!("=={a}"),
        _ => [lower(start), upper(end)]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(","),
    });
    segments.collect::<Vec<_>>().join(" or ")
}

fn lower(bound: Bound<&VersionKey>) -> String {
    match bound {
        Bound::Included(key) if key.is_version() || key.is_below() => format!(">={key}"),
        Bound::Included(key) | Bound::Excluded(key) => format!(">{key}"),
        Bound::Unbounded => String::new(),
    }
}

fn upper(bound: Bound<&VersionKey>) -> String {
    match bound {
        Bound::Excluded(key) if key.is_version() => format!("<{key}"),
        Bound::Excluded(key) if key.is_below() => format!("<{}", without_dev0(key)),
        Bound::Included(key) | Bound::Excluded(key) => format!("<={key}"),
        Bound::Unbounded => String::new(),
    }
}

fn without_dev0(key: &VersionKey) -> Version {
    let version = key.version();
    match version.dev() {
        Some(0) => version.with_dev(None),
        _ => version,
    }
}

/// Returns the version of a range that contains only one, such as `==1.0`.
pub(crate) fn single(ranges: &Ranges<VersionKey>) -> Option<Version> {
    let mut segments = ranges.iter();
    match (segments.next(), segments.next()) {
        (Some((Bound::Included(a), Bound::Included(b))), None) if a.is_beside(b) => {
            Some(a.version())
        }
        _ => None,
    }
}
