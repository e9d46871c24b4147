//! Reading everything.

use crate::{
    Error, ErrorKind, Keep, Key, Listed, RefName, Store, parallel,
    trace::{Fault, digest_of},
};

/// What was read, and what is wrong with it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Checked {
    /// How many objects were read.
    pub objects: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Older steps of refs whose release is not there any more, so that it cannot be gone back to:
    /// [`collect`](Store::collect) takes those that are not kept.
    pub past: Vec<(RefName, u64)>,
}

/// An object that is not as it should be, or not there.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// The object.
    pub key: Key,
    /// What is wrong with it.
    pub problem: String,
    /// Whether it was replaced by a good copy.
    pub healed: bool,
}

impl Checked {
    /// Whether nothing is wrong any more.
    pub fn is_whole(&self) -> bool {
        self.findings.iter().all(|finding| finding.healed)
    }
}

/// How many objects are read at once; of packs, each of which is in memory whole, fewer.
const AT_ONCE: usize = 8;
const PACKS_AT_ONCE: usize = 2;

impl Store {
    /// Reads every object and compares it with its name, reads every record, and follows every
    /// reference of what refs point to. What is damaged or lost is copied from `other`, if that has it.
    ///
    /// # Errors
    ///
    /// If a backend fails. What is wrong with objects is no error, but part of the answer.
    pub fn check(&self, other: Option<&Self>) -> Result<Checked, Error> {
        let mut checked = Checked::default();
        for folder in ["blobs", "manifests", "packs", "refs", "condemned"] {
            let at_once = if folder == "packs" { PACKS_AT_ONCE } else { AT_ONCE };
            self.pages(folder, |page| {
                let findings =
                    parallel::each(&page, at_once, |listed| self.check_listed(listed, other));
                for (listed, finding) in page.iter().zip(findings) {
                    checked.objects += 1;
                    checked.bytes += listed.meta.size;
                    checked.findings.extend(finding?);
                }
                Ok(())
            })?;
        }
        self.check_references(other, &mut checked)?;
        Ok(checked)
    }

    fn check_listed(
        &self,
        listed: &Listed,
        other: Option<&Self>,
    ) -> Result<Option<Finding>, Error> {
        let problem = match self.check_object(&listed.key) {
            // A collection may have taken it meanwhile; if it is missed, that is found later.
            Ok(_) => return Ok(None),
            Err(error) if error.is_of_object() => error.to_string(),
            Err(error) => return Err(error),
        };
        let healed = self.heal(&listed.key, other)?;
        Ok(Some(Finding { key: listed.key.clone(), problem, healed }))
    }

    /// Whether an object is there, and good.
    fn check_object(&self, key: &Key) -> Result<bool, Error> {
        match digest_of(key) {
            Some(("packs", digest)) => self.check_pack(&digest),
            Some(("manifests", digest)) => self.manifest(&digest).map(|found| found.is_some()),
            Some((_, digest)) => {
                let read = || self.copy_to(&digest, &mut std::io::sink());
                self.trusting(key, read).map(|found| found.is_some())
            }
            None if key.as_str().starts_with("condemned/") => self.check_list(key),
            None => self.check_step(key),
        }
    }

    fn check_pack(&self, digest: &crate::Digest) -> Result<bool, Error> {
        let Some(pack) = self.pack(digest)? else { return Ok(false) };
        for entry in pack.index().entries() {
            pack.read(&entry.digest)
                .map_err(|error| Error::malformed(&crate::store::pack_key(digest), &error))?;
        }
        self.opened(digest).map(|opened| opened.is_some())
    }

    fn check_step(&self, key: &Key) -> Result<bool, Error> {
        let nothing = || Error::malformed(key, &"nothing of a store has that name");
        let (_, generation) = RefName::of_step(key).ok_or_else(nothing)?;
        match self.step(key)? {
            Some(step) if step.generation != generation => {
                let reason = format!("it says that it is generation {}", step.generation);
                Err(Error::malformed(key, &reason))
            }
            step => Ok(step.is_some()),
        }
    }

    /// Follows references until there is nothing more to be healed.
    fn check_references(&self, other: Option<&Self>, checked: &mut Checked) -> Result<(), Error> {
        loop {
            let reached = self.trace(Keep { generations: usize::MAX })?;
            checked.past = reached.past;
            let mut findings = Vec::new();
            for fault in reached.faults {
                findings.push(self.finding(fault, other)?);
            }
            // What was found before, and could not be healed, is told once.
            findings.retain(|one| {
                !checked.findings.iter().any(|told| told.key == one.key && !told.healed)
            });
            // What was healed and is missed again would be healed for ever.
            let is_last = !findings.iter().any(|one| one.healed && !checked.findings.contains(one));
            // What was in a pack that is there again is not missing any more.
            findings.retain(|one| one.healed != is_last);
            checked.findings.extend(findings);
            if is_last {
                return Ok(());
            }
        }
    }

    fn finding(&self, fault: Fault, other: Option<&Self>) -> Result<Finding, Error> {
        let problem = match fault.error.kind() {
            ErrorKind::Lost { by, .. } => format!("it is missing, and {by} refers to it"),
            _ => fault.error.to_string(),
        };
        for key in &fault.keys {
            if self.heal(key, other)? {
                return Ok(Finding { key: key.clone(), problem, healed: true });
            }
        }
        Ok(Finding { key: fault.keys[0].clone(), problem, healed: false })
    }

    /// Replaces an object by what another store has under its name, if that is good.
    fn heal(&self, key: &Key, other: Option<&Self>) -> Result<bool, Error> {
        let Some(other) = other else { return Ok(false) };
        match other.check_object(key) {
            Ok(true) => Ok(self.copy_from(other, key)? && self.check_object(key)?),
            Ok(false) => Ok(false),
            Err(error) if error.is_of_object() => Ok(false),
            Err(error) => Err(error),
        }
    }
}
