//! Retention records: the releases that collections have kept. A part missing from an older one is
//! no loss.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Digest, Error, Keep, Key, PutMode, RefName, Store, checksummed};

/// The generation of the first deployment of each ref whose release every collection has kept; 1
/// for refs that are not in the map.
pub(crate) type Horizons = BTreeMap<RefName, u64>;

/// The folder of retention records. Its name belongs to the format of stores.
pub(crate) const FOLDER: &str = "kept";
const HEAD: &str = "pinnace-kept 1\n";
const LARGEST: u64 = 256 << 20;

impl Store {
    /// Returns what the retention records say. A collection writes its record before any tombstone.
    pub(crate) fn horizons(&self) -> Result<Horizons, Error> {
        self.retention_records().map(|(horizons, _)| horizons)
    }

    /// Writes a retention record if less is kept than before. One object holds all refs, so that it
    /// takes little space.
    pub(crate) fn keep(&self, keep: Keep) -> Result<(), Error> {
        let (mut horizons, records) = self.retention_records()?;
        let before = horizons.clone();
        for (name, generations) in self.generations()? {
            let oldest = keep.oldest(generations.last().copied().unwrap_or_default());
            let horizon = horizons.entry(name).or_insert(1);
            *horizon = oldest.max(*horizon);
        }
        horizons.retain(|_, horizon| *horizon > 1);
        if horizons == before && records.len() < 2 {
            return Ok(());
        }
        let lines: Vec<String> =
            horizons.iter().map(|(name, horizon)| format!("{horizon} {name}")).collect();
        let text = checksummed::seal(format!("{HEAD}{}", lines.join("\n")).as_bytes());
        let digest = Digest::of(&text).to_hex();
        let key = Key::of(format!("{FOLDER}/{}", &digest[..32]));
        self.with_reserve(|| self.write(&key, &text, PutMode::Overwrite))?;
        // A record that another collection writes meanwhile stays beside this one.
        records.iter().filter(|old| **old != key).try_for_each(|old| self.backend.remove(old))
    }

    /// Returns what the retention records say together, and their keys.
    fn retention_records(&self) -> Result<(Horizons, BTreeSet<Key>), Error> {
        let (mut horizons, mut records) = (Horizons::new(), BTreeSet::new());
        self.each(FOLDER, |listed| {
            if !is_kept(&listed.key) {
                return Ok(());
            }
            for (name, horizon) in self.kept_at(&listed.key)?.unwrap_or_default() {
                let known = horizons.entry(name).or_insert(1);
                *known = horizon.max(*known);
            }
            records.insert(listed.key);
            Ok(())
        })?;
        Ok((horizons, records))
    }

    /// Reads a retention record; returns `None` if it is gone.
    pub(crate) fn kept_at(&self, key: &Key) -> Result<Option<Horizons>, Error> {
        let Some(bytes) = self.object(key, LARGEST)? else { return Ok(None) };
        let malformed = || Error::malformed(key, &"it is not a retention record of format 1");
        let text = checksummed::open(&bytes).and_then(|bytes| std::str::from_utf8(bytes).ok());
        let lines = text.and_then(|text| text.strip_prefix(HEAD)).ok_or_else(malformed)?.lines();
        let read = |line: &str| {
            let (horizon, name) = line.split_once(' ')?;
            Some((name.parse().ok()?, horizon.parse().ok()?))
        };
        lines.map(|line| read(line).ok_or_else(malformed)).collect::<Result<_, _>>().map(Some)
    }
}

/// Returns true if the key is that of a retention record.
pub(crate) fn is_kept(key: &Key) -> bool {
    let name = key.as_str().strip_prefix(FOLDER).and_then(|name| name.strip_prefix('/'));
    name.is_some_and(|name| name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_hexdigit()))
}
