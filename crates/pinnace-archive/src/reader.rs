use std::io::Write;

use crate::{
    Entry, Error, Leniency, Policy, ReadAt, Rule, entry,
    header::Central,
    locate,
    member::{self, Scratch},
    names, ordered,
};

/// A zip that came from elsewhere, read strictly.
///
/// Opening checks the end records and the central directory, so that names can be relied on: they
/// are safe, and no two of them clash. A member's local header, what lies between it and the next
/// one, and its content are checked when it is read. [`Archive::verify`] checks all of them.
///
/// Opening takes one read from the end of the source, and a second one if the directory is larger
/// than 64 KiB; [`Archive::read`] takes one read per member. So a member of a remote wheel costs
/// one request.
#[derive(Debug)]
pub struct Archive<R> {
    pub(crate) source: R,
    pub(crate) policy: Policy,
    entries: Vec<Entry>,
    by_name: Vec<u32>,
    prefix: u64,
}

impl<R: ReadAt> Archive<R> {
    /// Reads and checks the central directory.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) with the [`Rule`] that is broken, [`ErrorKind::Limit`](crate::ErrorKind::Limit), or
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub fn open(source: R, policy: Policy) -> Result<Self, Error> {
        let (end, directory) = locate::directory(&source, &policy)?;
        let mut rest = directory.as_slice();
        let mut entries = Vec::with_capacity(end.entries as usize);
        let mut total: u64 = 0;
        for _ in 0..end.entries {
            let entry = entry::accept(Central::decode(&mut rest)?, &policy)?;
            total = total.saturating_add(entry.size);
            entries.push(entry);
        }
        if !rest.is_empty() {
            return Err(Rule::CentralDirectory.into());
        }
        if total > policy.limits().total {
            return Err(Error::limit("the size of all members", total, policy.limits().total, ""));
        }
        let by_name = names::check(&entries, &policy)?;
        let folders = names::folders(by_name.iter().map(|at| entries[*at as usize].name.as_str()));
        if folders > policy.limits().entries {
            let what = "the number of folders that its names imply";
            return Err(Error::limit(what, folders, policy.limits().entries, ""));
        }
        let prefix = entry::lay_out(&mut entries, end.offset)?;
        if prefix != 0 && !policy.allows(Leniency::Prefix) {
            return Err(Rule::NoPrefix.into());
        }
        Ok(Self { source, policy, entries, by_name, prefix })
    }

    /// All members, in the order of the central directory.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// All members, in ascending order of their names' bytes: the order that
    /// [`Writer`](crate::Writer) wants.
    pub fn sorted(&self) -> impl Iterator<Item = &Entry> {
        self.by_name.iter().map(|at| &self.entries[*at as usize])
    }

    /// The member of that name; that of a directory ends in `/`.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        let at = |at: &u32| &self.entries[*at as usize];
        let found = self.by_name.binary_search_by(|one| at(one).name.as_str().cmp(name)).ok()?;
        Some(at(&self.by_name[found]))
    }

    /// The source that it was opened on.
    pub fn into_inner(self) -> R {
        self.source
    }

    /// How many bytes stand before the first member.
    pub fn prefix_length(&self) -> u64 {
        self.prefix
    }

    /// The bytes before the first member, or as many of them as `most`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub fn prefix(&self, most: u64) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; self.prefix.min(most) as usize];
        read(&self.source, &mut bytes, 0)?;
        Ok(bytes)
    }

    /// The content of a member of this archive, checked against its checksum and its size.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Damaged`](crate::ErrorKind::Damaged); [`ErrorKind::Limit`](crate::ErrorKind::Limit) if it is larger than
    /// [`Limits::member`](crate::Limits::member); [`ErrorKind::Refused`](crate::ErrorKind::Refused) if its local header or
    /// what follows it tells another story; [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub fn read(&self, entry: &Entry) -> Result<Vec<u8>, Error> {
        let most = self.policy.limits().member;
        let needed = entry.size.max(entry.compressed);
        if needed > most {
            return Err(Error::limit("a member's size in memory", needed, most, &entry.name));
        }
        let mut content = Vec::with_capacity(entry.size as usize);
        member::copy_at_once(self, entry, &mut Scratch::default(), &mut content)?;
        Ok(content)
    }

    /// Copies a member's content to `out`, in constant memory. What was copied is checked only at
    /// its end: on an error, throw it away.
    ///
    /// # Errors
    ///
    /// As [`Archive::read`], without the limit on memory.
    pub fn copy_to(&self, entry: &Entry, out: &mut impl Write) -> Result<u64, Error> {
        member::copy(self, entry, &mut Scratch::default(), out)
    }

    /// Reads everything: every local header, what lies between the members, every content. An
    /// archive that passes holds no byte that its directory does not account for, but for what the
    /// policy allowed.
    ///
    /// ```
    /// use pinnace_archive::{Archive, Policy, Writer};
    ///
    /// let (bytes, _) = Writer::new(Vec::new()).finish()?;
    /// Archive::open(bytes, Policy::strict())?.verify()?;
    /// # Ok::<(), pinnace_archive::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Archive::copy_to`], for the first member that fails.
    pub fn verify(&self) -> Result<(), Error> {
        let mut scratch = Scratch::default();
        self.entries.iter().try_for_each(|entry| {
            member::copy(self, entry, &mut scratch, &mut std::io::sink()).map(drop)
        })
    }

    /// [`Archive::verify`] on several threads.
    ///
    /// # Errors
    ///
    /// As [`Archive::verify`]: the error is that of the first member that fails.
    pub fn verify_on(&self, threads: usize) -> Result<(), Error>
    where
        R: Sync,
    {
        let batches: Vec<&[Entry]> = self.entries.chunks(VERIFIED_AT_ONCE).collect();
        let verify = |batch: &&[Entry]| {
            let mut scratch = Scratch::default();
            batch.iter().try_for_each(|entry| {
                member::copy(self, entry, &mut scratch, &mut std::io::sink()).map(drop)
            })
        };
        ordered::for_each(&batches, threads, verify, |_, result| result)
    }

    /// Where the raw bytes of a member start, counted from the start of the source. A stored
    /// member of `size` bytes can be read from there in place.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) if the local header tells another story; [`ErrorKind::Io`](crate::ErrorKind::Io).
    pub fn data_offset(&self, entry: &Entry) -> Result<u64, Error> {
        member::data_offset(self, entry)
    }
}

/// Members that one thread verifies with one set of buffers.
const VERIFIED_AT_ONCE: usize = 16;

pub(crate) fn read(source: &impl ReadAt, buffer: &mut [u8], offset: u64) -> Result<(), Error> {
    source.read_exact_at(buffer, offset).map_err(|error| Error::io("read the archive", error))
}
