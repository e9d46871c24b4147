//! Tombstone lists: objects that a later collection removes if nothing changes.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Digest, Error, ErrorKind, Key, Listed, PutMode, Store, checksummed};

/// The objects on a tombstone list, and the time at which each was written.
pub(crate) type Entries = BTreeMap<Key, u64>;

/// A tombstone list, and the marks of the collections that execute it.
pub(crate) struct List {
    pub(crate) key: Key,
    /// The time at which the list was written.
    pub(crate) written: u64,
    /// The marks of collections that execute the list, or were killed at it: the number of each,
    /// and the time of its last heartbeat.
    pub(crate) marks: BTreeMap<u64, u64>,
}

/// The folder of tombstone lists. Its name belongs to the format of stores.
pub(crate) const FOLDER: &str = "condemned";
/// The first line of a tombstone list.
const HEAD: &str = "pinnace-condemned 1\n";
const NAME: &[u8] = b"pinnace-condemned ";
/// The separator between the key of a list and the number of a mark.
const MARK: &str = "-now-";
/// Seconds without a heartbeat after which a running collection counts as dead.
pub(crate) const COLLECTION_TIMEOUT: u64 = 300;
/// The largest number of objects on a list; each takes up to 105 bytes.
const MOST: usize = 100_000;
const LARGEST: u64 = 32 << 20;
/// The number of objects whose list fits into the reserve of a backend.
const FEW: usize = 2_000;

impl List {
    /// Returns the key of the mark with that number.
    pub(crate) fn mark(&self, number: u64) -> Key {
        Key::of(format!("{}{MARK}{number:08}", self.key))
    }

    /// Returns true if a collection with a recent heartbeat executes the list.
    pub(crate) fn is_taken(&self, now: u64) -> bool {
        // A time that is far ahead comes from a clock that was wrong.
        let is_recent = |written: &u64| now.abs_diff(*written) < COLLECTION_TIMEOUT;
        self.marks.values().any(is_recent)
    }

    /// Returns the number of the next collection's mark.
    pub(crate) fn next(&self) -> u64 {
        self.marks.last_key_value().map_or(1, |(number, _)| number + 1)
    }
}

impl Store {
    /// Returns the keys on all tombstone lists.
    pub(crate) fn tombstoned_keys(&self) -> Result<BTreeSet<Key>, Error> {
        let mut keys = BTreeSet::new();
        for list in self.lists()?.0 {
            keys.extend(self.entries(&list)?.into_keys());
        }
        Ok(keys)
    }

    /// Returns the keys that a collection is removing at this moment.
    pub(crate) fn leaving(&self) -> Result<BTreeSet<Key>, Error> {
        let mut lists = self.lists()?.0;
        lists.retain(|list| !list.marks.is_empty());
        let mut keys = BTreeSet::new();
        if lists.is_empty() {
            return Ok(keys);
        }
        let now = self.backend.now()?;
        for list in lists.iter().filter(|list| list.is_taken(now)) {
            keys.extend(self.entries(list)?.into_keys());
        }
        Ok(keys)
    }

    /// Returns all tombstone lists, and the marks whose list is gone: a collection removes its list
    /// first, and may be killed before it removes the marks.
    pub(crate) fn lists(&self) -> Result<(Vec<List>, Vec<Key>), Error> {
        let mut lists: BTreeMap<Key, List> = BTreeMap::new();
        let mut marks = Vec::new();
        self.each(FOLDER, |Listed { key, meta }| {
            match parse_key(&key) {
                Some((list, Some(number))) => marks.push((list, key, number, meta.modified)),
                Some((list, None)) => {
                    let (written, marks) = (meta.modified, BTreeMap::new());
                    lists.insert(list, List { key, written, marks });
                }
                // Foreign objects are ignored.
                None => {}
            }
            Ok(())
        })?;
        let mut left = Vec::new();
        for (list, key, number, written) in marks {
            match lists.get_mut(&list) {
                Some(list) => drop(list.marks.insert(number, written)),
                None => left.push(key),
            }
        }
        Ok((lists.into_values().collect(), left))
    }

    /// Returns the objects on a tombstone list.
    pub(crate) fn entries(&self, list: &List) -> Result<Entries, Error> {
        let damaged = "it is damaged: `gc` removes it and writes new tombstones";
        self.readable(list)?.ok_or_else(|| Error::malformed(&list.key, &damaged))
    }

    /// Returns the objects on a tombstone list, or `None` if it is damaged.
    pub(crate) fn readable(&self, list: &List) -> Result<Option<Entries>, Error> {
        match self.object(&list.key, LARGEST) {
            Ok(Some(bytes)) if bytes.starts_with(NAME) && !bytes.starts_with(HEAD.as_bytes()) => {
                Err(Error::malformed(&list.key, &"it is of a newer format: use a newer pinnace"))
            }
            Ok(Some(bytes)) => Ok(parse(&bytes)),
            // Another collection has removed it.
            Ok(None) => Ok(Some(Entries::new())),
            // The object is larger than any list.
            Err(error) if matches!(error.kind(), ErrorKind::Malformed { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Checks a tombstone list, or the mark of one.
    pub(crate) fn check_list(&self, key: &Key) -> Result<bool, Error> {
        match parse_key(key) {
            Some((list, None)) => {
                let list = List { key: list, written: 0, marks: BTreeMap::new() };
                self.entries(&list).map(|_| true)
            }
            _ => Ok(true),
        }
    }

    /// Runs `work`, which needs a little space. On a full disk, releases the reserve and runs it
    /// again.
    pub(crate) fn with_reserve<T>(&self, work: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
        match work() {
            Err(error) if error.is_full() && self.backend.release_reserve()? => work(),
            done => done,
        }
    }

    /// Writes tombstone lists of these objects, each with the time at which it was written, the
    /// most important first. On a full disk, the released reserve takes the first of them. Returns
    /// the number of objects written.
    pub(crate) fn write_lists(&self, now: u64, entries: &[(Key, u64)]) -> Result<usize, Error> {
        let mut written = 0;
        for list in entries.chunks(MOST) {
            match self.write_list(now, list) {
                Err(error) if error.is_full() && self.backend.release_reserve()? => {
                    let few = &list[..list.len().min(FEW)];
                    self.write_list(now, few)?;
                    return Ok(written + few.len());
                }
                done => done?,
            }
            written += list.len();
        }
        Ok(written)
    }

    fn write_list(&self, now: u64, entries: &[(Key, u64)]) -> Result<(), Error> {
        let entries: Entries = entries.iter().cloned().collect();
        let lines: String =
            entries.iter().map(|(key, modified)| format!("{modified} {key}\n")).collect();
        let list = checksummed::seal(format!("{HEAD}{}", lines.trim_end()).as_bytes());
        let digest = Digest::of(&list).to_hex();
        let key = Key::of(format!("{FOLDER}/{now:020}-{}", &digest[..16]));
        self.write(&key, &list, PutMode::Overwrite).map(drop)
    }
}

/// Parses the key of a tombstone list or of its mark: the key of the list, and the number of the
/// mark.
pub(crate) fn parse_key(key: &Key) -> Option<(Key, Option<u64>)> {
    let (list, number) = match key.as_str().split_once(MARK) {
        Some((list, number)) => (list, Some(number)),
        None => (key.as_str(), None),
    };
    let (time, digest) = list.strip_prefix(FOLDER)?.strip_prefix('/')?.split_once('-')?;
    let is_digits = |text: &str, length| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let is_list = is_digits(time, 20) && is_digits(digest, 16);
    let number = number.map(|number| Some(number.parse().ok()?).filter(|_| is_digits(number, 8)));
    (is_list && number != Some(None)).then(|| (Key::of(list.to_owned()), number.flatten()))
}

fn parse(bytes: &[u8]) -> Option<Entries> {
    let text = std::str::from_utf8(checksummed::open(bytes)?).ok()?;
    let read = |line: &str| {
        let (modified, key) = line.split_once(' ')?;
        Some((key.parse().ok()?, modified.parse().ok()?))
    };
    text.strip_prefix(HEAD)?.lines().map(read).collect()
}
