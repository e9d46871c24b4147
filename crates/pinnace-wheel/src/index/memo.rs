use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use crate::Error;

type Slot<V> = Arc<OnceLock<Result<V, Error>>>;

/// A memo of answers. The first caller that asks for a key computes its answer, and all others wait
/// for that one.
pub(super) struct Memo<K, V>(Mutex<BTreeMap<K, Slot<V>>>);

impl<K: Ord, V: Clone> Memo<K, V> {
    /// Returns the answer for a key, and computes it if this is the first call for that key.
    pub(super) fn get_or_make(
        &self,
        key: K,
        make: impl FnOnce() -> Result<V, Error>,
    ) -> Result<V, Error> {
        let slot = {
            let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(slots.entry(key).or_default())
        };
        slot.get_or_init(make).clone()
    }
}

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}
