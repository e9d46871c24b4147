//! Version specifiers as ranges that a solver can calculate with; the rules are those of
//! `packaging` 26.

use std::ops::Bound;

use pep440_rs::Version;
use pubgrub::Ranges;

use crate::{
    point::Point,
    specifiers::{Operator, Specifier},
};

/// The versions that satisfy one specifier.
pub(crate) fn ranges(specifier: &Specifier) -> Ranges<Point> {
    // What is no version is the spelling of none.
    let Some(version) = specifier.version() else { return Ranges::empty() };
    match specifier.operator() {
        Operator::Equal => equal(version),
        Operator::NotEqual => equal(version).complement(),
        Operator::Arbitrary => Ranges::singleton(Point::of(version)),
        Operator::EqualPrefix => prefix(version),
        Operator::NotEqualPrefix => prefix(version).complement(),
        Operator::Compatible => compatible(version),
        Operator::Less => Ranges::strictly_lower_than(Point::below(&least_prerelease(version))),
        Operator::LessOrEqual => Ranges::lower_than(Point::above(version)),
        Operator::Greater => greater(version),
        Operator::GreaterOrEqual => Ranges::higher_than(Point::below(version)),
    }
}

/// One version in all its spellings, and its local versions unless it is one.
fn equal(version: &Version) -> Ranges<Point> {
    Ranges::from_range_bounds(Point::below(version)..=Point::above(version))
}

/// `==1.2.*`: from the first development release of `1.2` to that of `1.3`.
fn prefix(version: &Version) -> Ranges<Point> {
    let next = next_prefix(version, version.release().len());
    let first = bare(version, version.release().to_vec()).with_dev(Some(0));
    Ranges::from_range_bounds(Point::below(&first)..Point::below(&next))
}

/// `~=1.4.2`: at least that, and below `1.5`.
fn compatible(version: &Version) -> Ranges<Point> {
    let kept = version.release().len().saturating_sub(1).max(1);
    Ranges::from_range_bounds(Point::below(version)..Point::below(&next_prefix(version, kept)))
}

/// `>1.0` leaves out the post releases of `1.0`; `>1.0.post1` leaves out only itself.
fn greater(version: &Version) -> Ranges<Point> {
    let public = version.clone().without_local();
    if let Some(dev) = version.dev() {
        return Ranges::higher_than(Point::below(&public.with_dev(Some(dev.saturating_add(1)))));
    }
    if let Some(post) = version.post() {
        let next = public.with_post(Some(post.saturating_add(1))).with_dev(Some(0));
        return Ranges::higher_than(Point::below(&next));
    }
    Ranges::strictly_higher_than(Point::above_posts(&public))
}

/// `<1.0` leaves out the pre-releases of `1.0`, unless it names one itself.
fn least_prerelease(version: &Version) -> Version {
    if version.any_prerelease() {
        version.clone()
    } else {
        version.clone().without_local().with_dev(Some(0))
    }
}

fn next_prefix(version: &Version, kept: usize) -> Version {
    let mut release = version.release()[..kept.min(version.release().len())].to_vec();
    if let Some(last) = release.last_mut() {
        *last = last.saturating_add(1);
    }
    bare(version, release).with_dev(Some(0))
}

fn bare(version: &Version, release: Vec<u64>) -> Version {
    Version::new(release).with_epoch(version.epoch())
}

/// Ranges in the words of specifiers: `>=1,<2 or ==3`.
pub(crate) fn describe(ranges: &Ranges<Point>) -> String {
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

fn lower(bound: Bound<&Point>) -> String {
    match bound {
        Bound::Included(point) if point.is_version() || point.is_below() => format!(">={point}"),
        Bound::Included(point) | Bound::Excluded(point) => format!(">{point}"),
        Bound::Unbounded => String::new(),
    }
}

fn upper(bound: Bound<&Point>) -> String {
    match bound {
        Bound::Excluded(point) if point.is_version() => format!("<{point}"),
        Bound::Excluded(point) if point.is_below() => format!("<{}", without_dev0(point)),
        Bound::Included(point) | Bound::Excluded(point) => format!("<={point}"),
        Bound::Unbounded => String::new(),
    }
}

fn without_dev0(point: &Point) -> Version {
    let version = point.version();
    match version.dev() {
        Some(0) => version.with_dev(None),
        _ => version,
    }
}

/// The version of a range that holds only one, as `==1.0` does.
pub(crate) fn single(ranges: &Ranges<Point>) -> Option<Version> {
    let mut segments = ranges.iter();
    match (segments.next(), segments.next()) {
        (Some((Bound::Included(a), Bound::Included(b))), None) if a.is_beside(b) => {
            Some(a.version())
        }
        _ => None,
    }
}
