use crate::Address;

/// Knows user and password for addresses that have none, as a netrc file does.
pub trait Credentials: Send + Sync {
    /// User and password for that address; `None` if it needs none, or they are not known.
    fn find(&self, address: &Address) -> Option<(String, String)>;
}
