use crate::Address;

/// A lookup of user and password for addresses that have none, such as a netrc file.
pub trait Credentials: Send + Sync {
    /// Returns user and password for that address, or `None` if it needs none or they are unknown.
    fn find(&self, address: &Address) -> Option<(String, String)>;
}
