use std::error::Error as StdError;

use crate::ReadAt;

/// Reads members of zips, with all the suspicion that they deserve.
///
/// The parser of hostile zips lives elsewhere; this is all that is wanted of it here.
pub trait Members: Send + Sync {
    /// The content of the one member that is wanted; `None` if there is none.
    ///
    /// # Errors
    ///
    /// If the zip is malformed, more than one member is wanted, or the member is larger than
    /// `limit` bytes.
    fn read(
        &self,
        zip: &dyn ReadAt,
        wanted: &dyn Fn(&str) -> bool,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, Box<dyn StdError + Send + Sync>>;
}
