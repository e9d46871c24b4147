//! Lists of what is to be removed, if nothing changes.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use crate::{Condition, Digest, Error, Key, Store, sealed};

/// Objects that are to be removed, and when each was written.
pub(crate) type Sentence = BTreeMap<Key, u64>;

/// A list of condemned objects, by its key, and when it was written.
pub(crate) struct List {
    pub(crate) key: Key,
    pub(crate) written: u64,
}

/// What a list begins with.
const HEAD: &str = "pinnace-condemned 1\n";
const NAME: &[u8] = b"pinnace-condemned ";
/// How the key of what marks a list as being executed ends.
const MARKED: &str = "-now";
/// No list has more objects; each takes up to 105 bytes.
const MOST: usize = 100_000;
const LARGEST: u64 = 32 << 20;
/// So many fit into what a place holds in reserve.
const FEW: usize = 2_000;

impl List {
    /// What marks it as being executed.
    pub(crate) fn mark(&self) -> Key {
        Key::of(format!("{}{MARKED}", self.key))
    }
}

impl Store {
    /// What collections have condemned.
    pub(crate) fn condemned(&self) -> Result<BTreeSet<Key>, Error> {
        let mut keys = BTreeSet::new();
        for list in self.lists()? {
            keys.extend(self.sentence(&list)?.into_keys());
        }
        Ok(keys)
    }

    /// What a collection is removing at this moment, or was when it was killed.
    pub(crate) fn leaving(&self) -> Result<BTreeSet<Key>, Error> {
        let mut keys = BTreeSet::new();
        for list in self.lists()? {
            if self.backend.head(&list.mark())?.is_some() {
                keys.extend(self.sentence(&list)?.into_keys());
            }
        }
        Ok(keys)
    }

    /// All lists.
    pub(crate) fn lists(&self) -> Result<Vec<List>, Error> {
        let mut lists = Vec::new();
        self.each("condemned", |listed| {
            if !listed.key.as_str().ends_with(MARKED) {
                lists.push(List { key: listed.key, written: listed.meta.modified });
            }
            Ok(())
        })?;
        Ok(lists)
    }

    /// Marks whose list is not there any more: the last that a collection was killed before removing.
    pub(crate) fn marks_left(&self) -> Result<Vec<Key>, Error> {
        let marks: BTreeSet<Key> = self.lists()?.iter().map(List::mark).collect();
        let mut left = Vec::new();
        self.each("condemned", |listed| {
            if listed.key.as_str().ends_with(MARKED) && !marks.contains(&listed.key) {
                left.push(listed.key);
            }
            Ok(())
        })?;
        Ok(left)
    }

    /// What is in a list.
    pub(crate) fn sentence(&self, list: &List) -> Result<Sentence, Error> {
        let damaged = "it is damaged: `gc` removes it, and condemns anew what was in it";
        self.readable(list)?.ok_or_else(|| Error::malformed(&list.key, &damaged))
    }

    /// What is in a list; `None` if it is damaged.
    pub(crate) fn readable(&self, list: &List) -> Result<Option<Sentence>, Error> {
        match self.object(&list.key, LARGEST)? {
            Some(bytes) if bytes.starts_with(NAME) && !bytes.starts_with(HEAD.as_bytes()) => {
                Err(Error::malformed(&list.key, &"it is of a newer format: use a newer pinnace"))
            }
            Some(bytes) => Ok(parse(&bytes)),
            // Another collection has removed it.
            None => Ok(Some(Sentence::new())),
        }
    }

    /// Whether a list, or the mark of one, is there, and good.
    pub(crate) fn check_list(&self, key: &Key) -> Result<bool, Error> {
        match key.as_str().ends_with(MARKED) {
            true => Ok(true),
            false => self.sentence(&List { key: key.clone(), written: 0 }).map(|_| true),
        }
    }

    /// Writes lists of these: keys with when they were written, what matters most first. Where the disk is full,
    /// what is held in reserve takes the first of them. Tells how many were written.
    pub(crate) fn write_lists(&self, now: u64, condemned: &[(Key, u64)]) -> Result<usize, Error> {
        let mut written = 0;
        for list in condemned.chunks(MOST) {
            match self.write_list(now, list) {
                Err(error) if error.is_full() && self.backend.relieve()? => {
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
        let sentence: Sentence = condemned.iter().cloned().collect();
        let lines: String =
            sentence.iter().map(|(key, modified)| format!("{modified} {key}\n")).collect();
        let list = sealed::seal(format!("{HEAD}{}", lines.trim_end()).as_bytes());
        let digest = Digest::new(Sha256::digest(&list).into()).to_hex();
        let key = Key::of(format!("condemned/{now:020}-{}", &digest[..16]));
        self.write(&key, &list, Condition::Always).map(drop)
    }
}

fn parse(bytes: &[u8]) -> Option<Sentence> {
    let text = std::str::from_utf8(sealed::open(bytes)?).ok()?;
    let read = |line: &str| {
        let (modified, key) = line.split_once(' ')?;
        Some((key.parse().ok()?, modified.parse().ok()?))
    };
    text.strip_prefix(HEAD)?.lines().map(read).collect()
}
