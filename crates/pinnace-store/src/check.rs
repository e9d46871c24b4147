//! Integrity check of a whole store.

use std::collections::BTreeSet;

use crate::{
    Error, ErrorKind, Keep, Key, Listed, RefName, Store,
    content_key::{digest_of, pack_key},
    mark::Fault,
    parallel,
    retention::{self, is_kept},
    tombstones::{self, parse_key},
};

/// The result of a check: what was read, and the problems found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Checked {
    /// Number of objects read.
    pub objects: u64,
    /// Number of bytes in these objects.
    pub bytes: u64,
    /// The problems found.
    pub findings: Vec<Finding>,
    /// Older deployments whose release is gone, so that no rollback can return to it:
    /// [`collect`](Store::collect) removes releases that are not kept.
    pub past: Vec<(RefName, u64)>,
}

/// An object that is damaged, malformed or missing.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// The key of the object.
    pub key: Key,
    /// The problem with the object.
    pub problem: String,
    /// True if a good copy replaced the object.
    pub healed: bool,
}

impl Checked {
    /// Returns true if nothing is wrong any more.
    pub fn is_whole(&self) -> bool {
        self.findings.iter().all(|finding| finding.healed)
    }
}

/// Number of objects read at once. It is lower for packs, each of which is in memory whole.
const AT_ONCE: usize = 8;
const PACKS_AT_ONCE: usize = 2;

impl Store {
    /// Reads every object and compares it with its name, reads every record, and follows every
    /// reference that refs lead to. Damaged and missing objects are copied from `other` if it has
    /// them.
    ///
    /// # Errors
    ///
    /// Returns an error if a backend fails. Problems with objects are not errors: they are part of
    /// the result.
    pub fn check(&self, other: Option<&Self>) -> Result<Checked, Error> {
        let mut checked = Checked::default();
        for folder in ["blobs", "manifests", "packs", "refs", tombstones::FOLDER, retention::FOLDER]
        {
            let at_once = if folder == "packs" { PACKS_AT_ONCE } else { AT_ONCE };
            self.pages(folder, |page| {
                let findings =
                    parallel::each(&page, at_once, |listed| self.check_listed(listed, other));
                for (listed, finding) in page.iter().zip(findings) {
                    if is_ours(&listed.key) {
                        checked.objects += 1;
                        checked.bytes += listed.meta.size;
                    }
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
        match self.check_object(&listed.key) {
            // A collection may have removed it meanwhile. If it is needed, following references
            // finds that.
            Ok(_) => Ok(None),
            Err(error) if error.is_of_object() => {
                self.heal(std::slice::from_ref(&listed.key), error.to_string(), other).map(Some)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns true if an object exists and is good, `false` if it is missing.
    fn check_object(&self, key: &Key) -> Result<bool, Error> {
        match digest_of(key) {
            Some(("packs", digest)) => self.check_pack(&digest),
            Some(("manifests", digest)) => self.manifest(&digest).map(|found| found.is_some()),
            Some((_, digest)) => {
                let read = || self.copy_to(&digest, &mut std::io::sink());
                self.reread_if_damaged(key, read).map(|found| found.is_some())
            }
            None if is_below(key, tombstones::FOLDER) => self.check_list(key),
            None if is_kept(key) => self.kept_at(key).map(|found| found.is_some()),
            None => match RefName::of_deployment_key(key) {
                Some((name, generation)) => self.check_deployment(&name, generation, key),
                // Foreign objects are ignored.
                None => Ok(true),
            },
        }
    }

    fn check_pack(&self, digest: &crate::Digest) -> Result<bool, Error> {
        let Some(pack) = self.pack(digest)? else { return Ok(false) };
        for entry in pack.index().entries() {
            pack.read(&entry.digest)
                .map_err(|error| Error::malformed(&pack_key(digest), &error))?;
        }
        self.opened(digest).map(|opened| opened.is_some())
    }

    /// Checks that a deployment has the generation in its key, and follows the one before it.
    fn check_deployment(&self, name: &RefName, generation: u64, key: &Key) -> Result<bool, Error> {
        let Some(deployment) = self.deployment_at(key)? else { return Ok(false) };
        if deployment.generation != generation {
            let reason = format!("it says that it is generation {}", deployment.generation);
            return Err(Error::malformed(key, &reason));
        }
        let before = self.deployment_at(&name.deployment_key(generation - 1)).ok().flatten();
        if before.is_none_or(|before| before.release == deployment.previous) {
            Ok(true)
        } else {
            let reason =
                format!("it follows another release than that of generation {}", generation - 1);
            Err(Error::malformed(key, &reason))
        }
    }

    /// Follows references until nothing more can be healed.
    fn check_references(&self, other: Option<&Self>, checked: &mut Checked) -> Result<(), Error> {
        let mut reported: BTreeSet<Key> = checked
            .findings
            .iter()
            .filter(|finding| !finding.healed)
            .map(|finding| finding.key.clone())
            .collect();
        let mut healed: BTreeSet<Key> = BTreeSet::new();
        loop {
            let reached = self.trace(Keep { generations: usize::MAX })?;
            checked.past = reached.past;
            let (mut good, mut bad) = (Vec::new(), Vec::new());
            let certain = reached.faults.into_iter().map(|fault| (fault, true));
            let uncertain = reached.uncertain.into_iter().map(|fault| (fault, false));
            for (fault, is_certain) in certain.chain(uncertain) {
                // A problem found before is reported once. An object that was healed and is missing
                // again stays missing.
                let was = |keys: &BTreeSet<Key>| fault.keys.iter().any(|key| keys.contains(key));
                if was(&reported) {
                    continue;
                }
                let finding =
                    self.heal(&fault.keys, problem(&fault), other.filter(|_| !was(&healed)))?;
                match (finding.healed, is_certain) {
                    (true, _) => good.push(finding),
                    (false, true) => bad.push(finding),
                    (false, false) => {}
                }
            }
            // A healed object may contain others that were missing, so unhealed findings count at
            // the end.
            let is_last = good.is_empty();
            healed.extend(good.iter().map(|finding| finding.key.clone()));
            reported.extend(bad.iter().filter(|_| is_last).map(|finding| finding.key.clone()));
            checked.findings.extend(if is_last { bad } else { good });
            if is_last {
                return Ok(());
            }
        }
    }

    /// Replaces an object with a good copy that another store has under one of its keys.
    fn heal(
        &self,
        keys: &[Key],
        mut problem: String,
        other: Option<&Self>,
    ) -> Result<Finding, Error> {
        for key in keys {
            let Some(other) = other else { break };
            match self.copy_good(key, other) {
                Ok(true) => return Ok(Finding { key: key.clone(), problem, healed: true }),
                Ok(false) => {}
                Err(error) if matches!(error.kind(), ErrorKind::Cancelled) => return Err(error),
                Err(error) => problem.push_str(&format!("; it could not be healed: {error}")),
            }
        }
        Ok(Finding { key: keys[0].clone(), problem, healed: false })
    }

    fn copy_good(&self, key: &Key, other: &Self) -> Result<bool, Error> {
        match other.check_object(key) {
            Ok(true) => {}
            Ok(false) => return Ok(false),
            Err(error) if error.is_of_object() => return Ok(false),
            Err(error) => return Err(error),
        }
        if let Some((name, generation)) = RefName::of_deployment_key(key)
            && !self.is_ours(&name, generation, other)?
        {
            return Ok(false);
        }
        Ok(self.copy_from(other, key)? && self.check_object(key)?)
    }

    /// Returns true if a deployment of another store belongs to the history of this one: it fits
    /// between the deployments that are here.
    fn is_ours(&self, name: &RefName, generation: u64, other: &Self) -> Result<bool, Error> {
        let Some(deployment) = other.deployment(name, generation)? else { return Ok(false) };
        let here = |generation: u64| self.deployment(name, generation).ok().flatten();
        let follows = match here(generation - 1) {
            Some(before) => before.release == deployment.previous,
            None => generation == 1 && deployment.previous.is_none(),
        };
        let precedes =
            here(generation + 1).is_none_or(|after| after.previous == deployment.release);
        Ok(follows && precedes)
    }
}

fn is_below(key: &Key, folder: &str) -> bool {
    key.as_str().strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// Returns true if the key names an object of a store.
fn is_ours(key: &Key) -> bool {
    let is_content = digest_of(key).is_some();
    is_content
        || is_kept(key)
        || RefName::of_deployment_key(key).is_some()
        || parse_key(key).is_some()
}

fn problem(fault: &Fault) -> String {
    match fault.error.kind() {
        ErrorKind::Lost { by, .. } => format!("it is missing, and {by} refers to it"),
        _ => fault.error.to_string(),
    }
}
