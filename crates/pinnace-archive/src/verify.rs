//! Reading the members of an archive, each of them verified.

use std::io::{self, Write};

use crate::{
    Archive, Entry, Error, ReadAt,
    member::{self, Scratch},
    ordered,
};

/// The number of members that a thread verifies with one set of buffers.
const VERIFIED_AT_ONCE: usize = 16;

impl<R: ReadAt> Archive<R> {
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
        self.entries().iter().try_for_each(|entry| {
            member::copy(self, entry, &mut scratch, &mut io::sink()).map(drop)
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
        let batches: Vec<&[Entry]> = self.entries().chunks(VERIFIED_AT_ONCE).collect();
        let verify = |batch: &&[Entry]| {
            let mut scratch = Scratch::default();
            batch.iter().try_for_each(|entry| {
                member::copy(self, entry, &mut scratch, &mut io::sink()).map(drop)
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
