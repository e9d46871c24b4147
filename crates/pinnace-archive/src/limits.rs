/// Bounds on the cost of reading an archive. The defaults fit every wheel on PyPI that we know.
///
/// ```
/// use pinnace_archive::Limits;
///
/// let limits = Limits::default().with_member(1 << 20).with_total(100 << 20);
/// assert_eq!(limits.member, 1 << 20);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// The most entries, and the most folders that their names imply; 200,000 by default.
    pub entries: u64,
    /// The largest central directory in bytes; 64 MiB by default.
    pub directory: u64,
    /// The largest member that [`Archive::read`](crate::Archive::read) loads into memory, and the
    /// largest compressed form that it reads for that; 256 MiB by default.
    pub member: u64,
    /// The largest size of any member; 16 GiB by default.
    pub size: u64,
    /// The largest sum of all members' sizes; 64 GiB by default.
    pub total: u64,
    /// The highest compression ratio of a deflated member; 1,100 by default, just above the 1,032
    /// that deflate can reach. Zstandard can reach more and is allowed 32 times this value.
    pub ratio: u64,
    /// The deepest nesting of folders; 64 by default. Archives inside an archive are ordinary
    /// content: the reader never opens them.
    pub depth: u64,
}

impl Limits {
    /// Creates limits with the defaults.
    pub const fn new() -> Self {
        Self {
            entries: 200_000,
            directory: 64 << 20,
            member: 256 << 20,
            size: 16 << 30,
            total: 64 << 30,
            ratio: 1_100,
            depth: 64,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::new()
    }
}

macro_rules! with {
    ($($method:ident $field:ident $what:literal)*) => {
        impl Limits {
            $(
                #[doc = concat!("Returns these bounds with another limit for ", $what, ".")]
                #[must_use]
                pub const fn $method(mut self, limit: u64) -> Self {
                    self.$field = limit;
                    self
                }
            )*
        }
    };
}

with! {
    with_entries entries "the number of entries"
    with_directory directory "the central directory, in bytes"
    with_member member "a member in memory, in bytes"
    with_size size "any member, in bytes"
    with_total total "all members together, in bytes"
    with_ratio ratio "the compression ratio"
    with_depth depth "the depth of folders"
}
