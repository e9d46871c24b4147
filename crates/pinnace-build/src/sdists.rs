/// The relevance of source distributions to an unsolvable request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Sdists {
    /// Source distributions would not help.
    Irrelevant,
    /// The request excludes source distributions that this machine could build.
    LeftOut,
    /// This machine cannot build source distributions: it has no interpreter of the platform.
    NoBuilder,
}
