/// Bounds on what reading an archive may cost. The defaults fit every wheel on PyPI that we know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// The most entries; 200,000 by default.
    pub entries: u64,
    /// The largest central directory in bytes; 64 MiB by default.
    pub directory: u64,
    /// The largest member that [`Archive::read`](crate::Archive::read) inflates into memory;
    /// 256 MiB by default.
    pub member: u64,
    /// How many times larger than its compressed form a member may be; 1,100 by default, just
    /// above the 1,032 that deflate can reach.
    pub ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 200_000, directory: 64 << 20, member: 256 << 20, ratio: 1_100 }
    }
}

impl Limits {
    /// The same bounds with another one for the size of a member in memory.
    #[must_use]
    pub fn member(mut self, bytes: u64) -> Self {
        self.member = bytes;
        self
    }
}
