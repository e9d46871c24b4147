//! Version specifiers as ranges that a solver can calculate with.
//!
//! PEP 440 excludes from `>1.0` its post releases, includes in `==1.0` its local versions, and
//! tells `===1.0` from `===1.0.0`. None of these bounds is a version, so the ends of ranges are
//! [`Point`]s: versions, and places just beside them. The rules are those of `packaging` 26.

use std::{cmp::Ordering, fmt};

use pep440_rs::{Operator, Version, VersionSpecifier};
use pubgrub::Ranges;

/// A version, or a place just before or after it that no version can take.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Point {
    version: Version,
    edge: Edge,
}

/// Where a [`Point`] lies. All but `Spelled` are places; the order of the first three matters.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Edge {
    /// Below every spelling of the version.
    Below,
    /// The version, written with so many release numbers.
    Spelled(usize),
    /// Above every spelling of the version.
    Above,
    /// Above all its local versions.
    AboveLocals,
    /// Above all its post releases and their local versions.
    AbovePosts,
}

impl Point {
    /// The point of a version itself.
    pub(crate) fn of(version: &Version) -> Self {
        Self { edge: Edge::Spelled(version.release().len()), version: version.clone() }
    }

    pub(crate) fn version(&self) -> &Version {
        &self.version
    }

    fn below(version: Version) -> Self {
        Self { version, edge: Edge::Below }
    }

    fn above(version: Version) -> Self {
        let edge = if version.is_local() { Edge::Above } else { Edge::AboveLocals };
        Self { version, edge }
    }

    /// The version whose family, as seen from the edge of another point, this one belongs to.
    fn family(&self, of: Edge) -> Version {
        let public = self.version.clone().without_local();
        match of {
            Edge::AbovePosts if public.is_post() => public.with_post(None).with_dev(None),
            _ => public,
        }
    }
}

impl Ord for Point {
    fn cmp(&self, other: &Self) -> Ordering {
        let widest = self.edge.max(other.edge);
        if widest <= Edge::Above {
            return self.version.cmp(&other.version).then(self.edge.cmp(&other.edge));
        }
        // Edges grow outwards: within one family the wider one is above.
        self.family(widest)
            .cmp(&other.family(widest))
            .then(self.edge.cmp(&other.edge))
            .then_with(|| self.version.cmp(&other.version))
    }
}

impl PartialOrd for Point {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.version.fmt(f)
    }
}

/// The versions that satisfy one specifier.
pub(crate) fn ranges(specifier: &VersionSpecifier) -> Ranges<Point> {
    let version = specifier.version().clone();
    match specifier.operator() {
        Operator::Equal => equal(version),
        Operator::NotEqual => equal(version).complement(),
        Operator::ExactEqual => Ranges::singleton(Point::of(&version)),
        Operator::EqualStar => prefix(version),
        Operator::NotEqualStar => prefix(version).complement(),
        Operator::TildeEqual => compatible(version),
        Operator::LessThan => Ranges::strictly_lower_than(Point::below(least_prerelease(version))),
        Operator::LessThanEqual => Ranges::lower_than(Point::above(version)),
        Operator::GreaterThan => greater(version),
        Operator::GreaterThanEqual => Ranges::higher_than(Point::below(version)),
    }
}

fn equal(version: Version) -> Ranges<Point> {
    Ranges::from_range_bounds(Point::below(version.clone())..=Point::above(version))
}

/// `==1.2.*`: from the first development release of `1.2` to that of `1.3`.
fn prefix(version: Version) -> Ranges<Point> {
    let next = Point::below(next_prefix(&version, version.release().len()));
    let first = bare(&version, version.release().to_vec()).with_dev(Some(0));
    Ranges::from_range_bounds(Point::below(first)..next)
}

/// `~=1.4.2`: at least that, and below `1.5`.
fn compatible(version: Version) -> Ranges<Point> {
    let kept = version.release().len().saturating_sub(1).max(1);
    let next = Point::below(next_prefix(&version, kept));
    Ranges::from_range_bounds(Point::below(version)..next)
}

/// `>1.0` leaves out the post releases of `1.0`; `>1.0.post1` leaves out only itself.
fn greater(version: Version) -> Ranges<Point> {
    if let Some(dev) = version.dev() {
        let next = version.without_local().with_dev(Some(dev.saturating_add(1)));
        return Ranges::higher_than(Point::below(next));
    }
    if let Some(post) = version.post() {
        let next = version.without_local().with_post(Some(post.saturating_add(1)));
        return Ranges::higher_than(Point::below(next.with_dev(Some(0))));
    }
    Ranges::strictly_higher_than(Point { version: version.without_local(), edge: Edge::AbovePosts })
}

/// `<1.0` leaves out the pre-releases of `1.0`, unless it names one itself.
fn least_prerelease(version: Version) -> Version {
    if version.any_prerelease() { version } else { version.without_local().with_dev(Some(0)) }
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
    use std::ops::Bound;
    if ranges == &Ranges::full() {
        return String::new();
    }
    let lower = |bound: &Bound<Point>| match bound {
        Bound::Included(point) if point.edge <= Edge::Spelled(usize::MAX) => format!(">={point}"),
        Bound::Included(point) | Bound::Excluded(point) => format!(">{point}"),
        Bound::Unbounded => String::new(),
    };
    let upper = |bound: &Bound<Point>| match bound {
        Bound::Excluded(point) if point.edge == Edge::Below => format!("<{}", without_dev0(point)),
        Bound::Included(point) | Bound::Excluded(point) => format!("<={point}"),
        Bound::Unbounded => String::new(),
    };
    let segments = ranges.iter().map(|(start, end)| match (start, end) {
        (Bound::Included(a), Bound::Included(b)) if a.version == b.version => format!("=={a}"),
        _ => [lower(start), upper(end)]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(","),
    });
    segments.collect::<Vec<_>>().join(" or ")
}

fn without_dev0(point: &Point) -> Version {
    match point.version.dev() {
        Some(0) => point.version.clone().with_dev(None),
        _ => point.version.clone(),
    }
}

/// The version of a range that holds only one, as `==1.0` does.
pub(crate) fn single(ranges: &Ranges<Point>) -> Option<&Version> {
    use std::ops::Bound::Included;
    let mut segments = ranges.iter();
    match (segments.next(), segments.next()) {
        (Some((Included(a), Included(b))), None) if a.version == b.version => Some(&a.version),
        _ => None,
    }
}
