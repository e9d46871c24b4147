use std::fmt;

/// An input that only a project or the lock of a workspace can have.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ProjectOption {
    /// An extra.
    Extra,
    /// A dependency group.
    Group,
    /// A member of a workspace.
    Member,
}

impl fmt::Display for ProjectOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Extra => "an extra",
            Self::Group => "a group",
            Self::Member => "a member",
        })
    }
}
