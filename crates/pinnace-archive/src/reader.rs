use crate::{
    Entry, Error, Leniency, Policy, ReadAt, Rule, entry, header::Central, locate, names,
    read_at::read,
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
        let found =
            self.by_name.binary_search_by(|index| at(index).name.as_str().cmp(name)).ok()?;
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
}
