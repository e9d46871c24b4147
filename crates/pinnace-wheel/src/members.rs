use std::error::Error as StdError;

use crate::ReadAt;

/// A reader of zip entries that treats every zip as hostile.
///
/// The zip parser lives elsewhere. This trait is the only part of it that is needed here.
pub trait Members: Send + Sync {
    /// Reads the one entry that is wanted. Returns `None` if there is none.
    ///
    /// # Errors
    ///
    /// Returns an error if the zip is malformed, if more than one entry is wanted, or if the entry
    /// is larger than `limit` bytes.
    fn read(
        &self,
        zip: &dyn ReadAt,
        wanted: &dyn Fn(&str) -> bool,
        limit: u64,
    ) -> Result<Option<Vec<u8>>, Box<dyn StdError + Send + Sync>>;
}
