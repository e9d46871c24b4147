use std::io::Write;

use crate::{
    Entry, Error, Leniency, Policy, ReadAt, Rule, entry,
    header::Central,
    locate,
    member::{self, Scratch},
    names, ordered,
};

/// A zip archive of unknown origin, read strictly.
///
/// Opening checks the end records and the central directory, so the caller can rely on names: they
/// are safe, and no two of them clash. Reading a member checks its local header, its content and
/// the bytes up to the next member. [`Archive::verify`] checks all members.
///
/// Opening takes one read from the end of the source, and a second one if the directory is larger
/// than 64 KiB. [`Archive::read`] takes one read per member, so a member of a remote wheel costs
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
    /// Returns [`ErrorKind::Refused`](crate::ErrorKind::Refused) with the broken [`Rule`],
    /// [`ErrorKind::Limit`](crate::ErrorKind::Limit) if the archive exceeds a limit, or
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) if the source fails.
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

    /// Returns all members in the order of the central directory.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Returns all members in ascending byte order of their names, the order that
    /// [`Writer`](crate::Writer) requires.
    pub fn sorted(&self) -> impl Iterator<Item = &Entry> {
        self.by_name.iter().map(|at| &self.entries[*at as usize])
    }

    /// Returns the member with this name. The name of a directory ends in `/`.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        let at = |at: &u32| &self.entries[*at as usize];
        let found = self.by_name.binary_search_by(|one| at(one).name.as_str().cmp(name)).ok()?;
        Some(at(&self.by_name[found]))
    }

    /// Returns the source of the archive.
    pub fn into_inner(self) -> R {
        self.source
    }

    /// Returns the number of bytes before the first member.
    pub fn prefix_length(&self) -> u64 {
        self.prefix
    }

    /// Returns the bytes before the first member, at most `most` of them.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Io`](crate::ErrorKind::Io) if the source fails.
    pub fn prefix(&self, most: u64) -> Result<Vec<u8>, Error> {
        let mut bytes = vec![0; self.prefix.min(most) as usize];
        read(&self.source, &mut bytes, 0)?;
        Ok(bytes)
    }

    /// Returns the content of a member of this archive, after checking its checksum and size.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Damaged`](crate::ErrorKind::Damaged) if checksum, size or compressed
    /// data are wrong. Returns [`ErrorKind::Limit`](crate::ErrorKind::Limit) if the member is
    /// larger than [`Limits::member`](crate::Limits::member). Returns
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) if the local header or the bytes after the
    /// data contradict the central directory. Returns [`ErrorKind::Io`](crate::ErrorKind::Io) if
    /// the source fails.
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

    /// Copies a member's content to `out` in constant memory. Size and checksum are known to be
    /// right only at the end: on an error, discard the copy.
    ///
    /// # Errors
    ///
    /// Fails like [`Archive::read`], but without the limit on memory.
    pub fn copy_to(&self, entry: &Entry, out: &mut impl Write) -> Result<u64, Error> {
        member::copy(self, entry, &mut Scratch::default(), out)
    }

    /// Checks the whole archive: every local header, every content, and the bytes between members.
    /// An archive that passes holds no byte that its directory does not account for, except for
    /// what the policy allowed.
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
    /// Fails like [`Archive::copy_to`], with the error of the first bad member.
    pub fn verify(&self) -> Result<(), Error> {
        let mut scratch = Scratch::default();
        self.entries.iter().try_for_each(|entry| {
            member::copy(self, entry, &mut scratch, &mut std::io::sink()).map(drop)
        })
    }

    /// Runs [`Archive::verify`] on several threads.
    ///
    /// # Errors
    ///
    /// Fails like [`Archive::verify`], with the error of the first bad member.
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

    /// Returns the offset of a member's raw bytes from the start of the source. The `size` bytes of
    /// a stored member can be read there in place.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Refused`](crate::ErrorKind::Refused) if the local header contradicts
    /// the central directory, and [`ErrorKind::Io`](crate::ErrorKind::Io) if the source fails.
    pub fn data_offset(&self, entry: &Entry) -> Result<u64, Error> {
        member::data_offset(self, entry)
    }
}

/// The number of members that a thread verifies with one set of buffers.
const VERIFIED_AT_ONCE: usize = 16;

pub(crate) fn read(source: &impl ReadAt, buffer: &mut [u8], offset: u64) -> Result<(), Error> {
    source.read_exact_at(buffer, offset).map_err(|error| Error::io("read the archive", error))
}
