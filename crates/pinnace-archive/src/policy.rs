use crate::Limits;

/// The rules of a reader: its [`Limits`], and each [`Leniency`] that the caller allows by name.
///
/// ```
/// use pinnace_archive::{Leniency, Policy};
///
/// let policy = Policy::strict().allow(Leniency::Prefix);
/// assert!(policy.allows(Leniency::Prefix));
/// assert!(!policy.allows(Leniency::Gap));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Policy {
    limits: Limits,
    allowed: u16,
}

/// An exception to a [`Rule`](crate::Rule) of the strict reader, which a caller may allow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Leniency {
    /// Bytes before the first member. A PEX file, for example, starts with a script line.
    Prefix,
    /// Bytes between members that belong to none of them, as alignment tools leave them.
    Gap,
    /// A comment at the end of the archive. It must not look like an end record itself.
    Comment,
    /// Names that Windows reserves for devices or cannot hold: `aux.py`, `a:b`, `end.`.
    ReservedName,
    /// Names that differ only in case: one file on macOS and Windows.
    CaseCollision,
    /// Names that differ only in Unicode normal form or in invisible characters: one file on macOS.
    NormalizationCollision,
    /// UTF-8 names without the UTF-8 flag (APPNOTE 4.4.4, bit 11). Some readers decode them as code
    /// page 437.
    UnflaggedName,
    /// Symbolic links. The content of a link is its target.
    Symlink,
}

impl Leniency {
    /// All leniencies.
    pub const ALL: [Self; 8] = [
        Self::Prefix,
        Self::Gap,
        Self::Comment,
        Self::ReservedName,
        Self::CaseCollision,
        Self::NormalizationCollision,
        Self::UnflaggedName,
        Self::Symlink,
    ];
}

impl Policy {
    /// Returns the strict policy: it refuses everything that two readers, or two file systems,
    /// could understand differently.
    pub const fn strict() -> Self {
        Self { limits: Limits::new(), allowed: 0 }
    }

    /// Returns a policy for wheels as found on PyPI: comments at the end, and names that cause
    /// trouble only on other file systems.
    ///
    /// It allows [`Leniency::Comment`], [`Leniency::ReservedName`] and [`Leniency::CaseCollision`].
    /// Of 1,148 wheels of some 250 popular projects, old and new, four had a comment (the name of
    /// the tool that wrote them). The strict policy accepted all others.
    pub const fn wheel() -> Self {
        Self::strict()
            .allow(Leniency::Comment)
            .allow(Leniency::ReservedName)
            .allow(Leniency::CaseCollision)
    }

    /// Returns a copy of the policy with one more leniency.
    #[must_use]
    pub const fn allow(mut self, leniency: Leniency) -> Self {
        self.allowed |= 1 << leniency as u16;
        self
    }

    /// Returns a copy of the policy with other limits.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Returns true if the policy allows the leniency.
    pub const fn allows(&self, leniency: Leniency) -> bool {
        self.allowed & 1 << leniency as u16 != 0
    }

    /// Returns the limits.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }
}
