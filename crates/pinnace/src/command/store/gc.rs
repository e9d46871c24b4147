//! `pinnace store gc`: garbage collection.

use pinnace_store::Keep;
use serde_json::json;

use super::Job;
use crate::{
    Failure,
    arguments::StoreGc,
    quantity::{Count, Size},
};

impl Job<'_> {
    /// Removes the objects that no kept release refers to.
    pub(super) fn collect(&self, arguments: &StoreGc) -> Result<(), Failure> {
        let keep = Keep { generations: arguments.keep as usize };
        let done = self.store.collect(keep, arguments.grace)?;
        let text = format!(
            "{} removed ({}), {} to be removed after the grace period, {} too new, {} in use",
            Count(done.removed, "object"),
            Size(done.removed_bytes),
            done.tombstoned,
            done.young,
            done.live,
        );
        let json = json!({
            "removed": done.removed,
            "removed_bytes": done.removed_bytes,
            "condemned": done.tombstoned,
            "young": done.young,
            "live": done.live,
            "swept": done.swept,
        });
        self.result(&text, &json)
    }
}
