//! Lists of what is to be removed, if nothing changes.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Digest, Error, ErrorKind, Key, Listed, PutMode, Store, checksummed};

/// Objects that are to be removed, and when each was written.
pub(crate) type Entries = BTreeMap<Key, u64>;

/// A list of condemned objects, and who executes it.
pub(crate) struct List {
    pub(crate) key: Key,
    /// When it was written.
    pub(crate) written: u64,
    /// The marks of collections that execute it, or were killed at it: numbers, and when each was written last.
    pub(crate) marks: BTreeMap<u64, u64>,
}

/// What a list begins with.
const HEAD: &str = "pinnace-condemned 1\n";
const NAME: &[u8] = b"pinnace-condemned ";
/// What stands between the key of a list and the number of a mark.
const MARK: &str = "-now-";
/// How long a collection that is heard nothing of is left in peace, in seconds; it is then taken for killed.
pub(crate) const PATIENCE: u64 = 300;
/// No list has more objects; each takes up to 105 bytes.
const MOST: usize = 100_000;
const LARGEST: u64 = 32 << 20;
/// So many fit into what a place holds in reserve.
const FEW: usize = 2_000;

impl List {
    /// The mark of that number.
    pub(crate) fn mark(&self, number: u64) -> Key {
        Key::of(format!("{}{MARK}{number:08}", self.key))
    }

    /// Whether a collection executes it that was heard of lately.
    pub(crate) fn is_taken(&self, now: u64) -> bool {
        // A time that is far ahead is a clock that was wrong.
        let is_recent = |written: &u64| now.abs_diff(*written) < PATIENCE;
        self.marks.values().any(is_recent)
    }

    /// The number that the next collection marks it with.
    pub(crate) fn next(&self) -> u64 {
        self.marks.last_key_value().map_or(1, |(number, _)| number + 1)
    }
}

impl Store {
    /// What collections have condemned.
    pub(crate) fn condemned_keys(&self) -> Result<BTreeSet<Key>, Error> {
        let mut keys = BTreeSet::new();
        for list in self.lists()?.0 {
            keys.extend(self.sentence(&list)?.into_keys());
        }
        Ok(keys)
    }

    /// What a collection is removing at this moment.
    pub(crate) fn leaving(&self) -> Result<BTreeSet<Key>, Error> {
        let mut lists = self.lists()?.0;
        lists.retain(|list| !list.marks.is_empty());
        let mut keys = BTreeSet::new();
        if lists.is_empty() {
            return Ok(keys);
        }
        let now = self.backend.now()?;
        for list in lists.iter().filter(|list| list.is_taken(now)) {
            keys.extend(self.sentence(list)?.into_keys());
        }
        Ok(keys)
    }

    /// All lists, and marks whose list is not there any more: the last that a collection was killed before
    /// removing.
    pub(crate) fn lists(&self) -> Result<(Vec<List>, Vec<Key>), Error> {
        let mut lists: BTreeMap<Key, List> = BTreeMap::new();
        let mut marks = Vec::new();
        self.each("condemned", |Listed { key, meta }| {
            match parse_key(&key) {
                Some((list, Some(number))) => marks.push((list, key, number, meta.modified)),
                Some((list, None)) => {
                    let (written, marks) = (meta.modified, BTreeMap::new());
                    lists.insert(list, List { key, written, marks });
                }
                // What others put there is none of ours.
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

    /// What is in a list.
    pub(crate) fn sentence(&self, list: &List) -> Result<Entries, Error> {
        let damaged = "it is damaged: `gc` removes it, and condemns anew what was in it";
        self.readable(list)?.ok_or_else(|| Error::malformed(&list.key, &damaged))
    }

    /// What is in a list; `None` if it is damaged.
    pub(crate) fn readable(&self, list: &List) -> Result<Option<Entries>, Error> {
        match self.object(&list.key, LARGEST) {
            Ok(Some(bytes)) if bytes.starts_with(NAME) && !bytes.starts_with(HEAD.as_bytes()) => {
                Err(Error::malformed(&list.key, &"it is of a newer format: use a newer pinnace"))
            }
            Ok(Some(bytes)) => Ok(parse(&bytes)),
            // Another collection has removed it.
            Ok(None) => Ok(Some(Entries::new())),
            // It is larger than any is.
            Err(error) if matches!(error.kind(), ErrorKind::Malformed { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a list, or the mark of one, is there, and good.
    pub(crate) fn check_list(&self, key: &Key) -> Result<bool, Error> {
        match parse_key(key) {
            Some((list, None)) => {
                let list = List { key: list, written: 0, marks: BTreeMap::new() };
                self.sentence(&list).map(|_| true)
            }
            _ => Ok(true),
        }
    }

    /// Does what needs a little room; once more, if there is none, with what is held in reserve.
    pub(crate) fn relieving<T>(&self, work: impl Fn() -> Result<T, Error>) -> Result<T, Error> {
        match work() {
            Err(error) if error.is_full() && self.backend.release_reserve()? => work(),
            done => done,
        }
    }

    /// Writes lists of these: keys with when they were written, what matters most first. Where the disk is full,
    /// what is held in reserve takes the first of them. Tells how many were written.
    pub(crate) fn write_lists(&self, now: u64, condemned: &[(Key, u64)]) -> Result<usize, Error> {
        let mut written = 0;
        for list in condemned.chunks(MOST) {
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

    fn write_list(&self, now: u64, condemned: &[(Key, u64)]) -> Result<(), Error> {
        let sentence: Entries = condemned.iter().cloned().collect();
        let lines: String =
            sentence.iter().map(|(key, modified)| format!("{modified} {key}\n")).collect();
        let list = checksummed::seal(format!("{HEAD}{}", lines.trim_end()).as_bytes());
        let digest = Digest::of(&list).to_hex();
        let key = Key::of(format!("condemned/{now:020}-{}", &digest[..16]));
        self.write(&key, &list, PutMode::Overwrite).map(drop)
    }
}

/// The list that a key is of, and the number of the mark that it is.
pub(crate) fn parse_key(key: &Key) -> Option<(Key, Option<u64>)> {
    let (list, number) = match key.as_str().split_once(MARK) {
        Some((list, number)) => (list, Some(number)),
        None => (key.as_str(), None),
    };
    let (time, digest) = list.strip_prefix("condemned/")?.split_once('-')?;
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
