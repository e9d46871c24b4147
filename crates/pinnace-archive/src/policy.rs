use crate::Limits;

/// What a reader accepts: its [`Limits`], and each [`Leniency`] that was allowed by name.
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

/// Something that the strict reader refuses and that a caller may accept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Leniency {
    /// Bytes before the first member: a PEX file starts with a script line.
    Prefix,
    /// Bytes between members that belong to none, as alignment tools leave them.
    Gap,
    /// A comment at the end of the archive. It must not look like an end record itself.
    Comment,
    /// Names that Windows keeps for devices or cannot hold: `aux.py`, `a:b`, `end.`.
    ReservedName,
    /// Names that differ in case only: one file on macOS and Windows.
    CaseCollision,
    /// Names that differ in Unicode normal form, or in invisible characters, only: one file on
    /// macOS.
    NormalizationCollision,
    /// UTF-8 names without the flag that says so (APPNOTE 4.4.4, bit 11). Some readers take them
    /// for code page 437.
    UnflaggedName,
    /// Symbolic links. Reading one gives its target.
    Symlink,
}

impl Leniency {
    /// All of them.
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
    /// Nothing that two readers, or two file systems, could understand differently.
    pub const fn strict() -> Self {
        Self { limits: Limits::new(), allowed: 0 }
    }

    /// What wheels on PyPI really hold: comments at the end, and names that only other file
    /// systems object to.
    ///
    /// Allows [`Leniency::Comment`], [`Leniency::ReservedName`] and [`Leniency::CaseCollision`].
    /// Of 1,148 wheels of some 250 popular projects, old and new, four had a comment (the name of the
    /// tool that wrote them); the strict policy accepted all others.
    pub const fn wheel() -> Self {
        Self::strict()
            .allow(Leniency::Comment)
            .allow(Leniency::ReservedName)
            .allow(Leniency::CaseCollision)
    }

    /// The same policy with one more leniency.
    #[must_use]
    pub const fn allow(mut self, leniency: Leniency) -> Self {
        self.allowed |= 1 << leniency as u16;
        self
    }

    /// The same policy with other bounds.
    #[must_use]
    pub const fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Whether something is allowed.
    pub const fn allows(&self, leniency: Leniency) -> bool {
        self.allowed & 1 << leniency as u16 != 0
    }

    /// The bounds.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }
}
