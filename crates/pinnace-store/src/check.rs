//! Reading everything.

use crate::{
    Deployment, Error, Keep, Key, Listed, Manifest, Pack, RefName, Store, trace::digest_of,
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

impl Store {
    /// Reads every object and compares it with its name, reads every record, and follows every
    /// reference of what refs point to. What is damaged or lost is copied from `other`, if that has it.
    ///
    /// # Errors
    ///
    /// If a backend fails. What is wrong with objects is no error, but part of the answer.
    pub fn check(&self, other: Option<&Self>) -> Result<Checked, Error> {
        let mut checked = Checked::default();
        for folder in ["blobs", "manifests", "packs", "refs"] {
            self.each(folder, |Listed { key, meta }| {
                checked.objects += 1;
                checked.bytes += meta.size;
                if let Err(problem) = self.check_object(&key) {
                    let healed = self.heal(&key, other)?;
                    checked.findings.push(Finding { key, problem, healed });
                }
                Ok(())
            })?;
        }
        self.check_references(other, &mut checked)?;
        Ok(checked)
    }

    fn check_object(&self, key: &Key) -> Result<(), String> {
        let text = |error: Error| error.to_string();
        match digest_of(key) {
            Some(("packs", digest)) => {
                let pack = self.pack(&digest).map_err(text)?.ok_or("it is gone")?;
                check_pack(&pack)
            }
            Some(("manifests", digest)) => {
                self.manifest(&digest).map_err(text)?.ok_or("it is gone")?;
                Ok(())
            }
            Some((_, digest)) => {
                self.copy_to(&digest, &mut std::io::sink()).map_err(text)?.ok_or("it is gone")?;
                Ok(())
            }
            None => {
                let (_, generation) =
                    RefName::of_step(key).ok_or("nothing of a store has that name")?;
                let bytes = self.object(key, 1 << 20).map_err(text)?.ok_or("it is gone")?;
                let step = Deployment::parse(bytes).map_err(|error| error.to_string())?;
                match step.generation == generation {
                    true => Ok(()),
                    false => Err(format!("it says that it is generation {}", step.generation)),
                }
            }
        }
    }

    /// Follows references until there is nothing more to be healed.
    fn check_references(&self, other: Option<&Self>, checked: &mut Checked) -> Result<(), Error> {
        loop {
            let reached = match self.trace(Keep { generations: usize::MAX }) {
                Ok(reached) => reached,
                // What is damaged was found before; what depends on it cannot be followed.
                Err(_) if !checked.is_whole() => return Ok(()),
                Err(error) => return Err(error),
            };
            let mut findings: Vec<Finding> = Vec::new();
            for lost in reached.lost {
                let found = lost.keys.iter().find(|key| matches!(self.heal(key, other), Ok(true)));
                findings.push(Finding {
                    key: found.unwrap_or(&lost.keys[0]).clone(),
                    problem: format!("it is missing, and {} refers to it", lost.by),
                    healed: found.is_some(),
                });
            }
            // What was in a pack that is there again is not missing any more.
            let (healed, lost): (Vec<Finding>, Vec<Finding>) =
                findings.into_iter().partition(|finding| finding.healed);
            // What was healed and is missed again would be healed for ever.
            let is_new = |one: &Finding| !checked.findings.contains(one);
            let is_last = !healed.iter().any(is_new);
            checked.findings.extend(if is_last { lost } else { healed });
            if is_last {
                return Ok(());
            }
        }
    }

    /// Replaces an object by what another store has under its name, if that is good.
    fn heal(&self, key: &Key, other: Option<&Self>) -> Result<bool, Error> {
        let Some(other) = other.filter(|other| other.check_object(key).is_ok()) else {
            return Ok(false);
        };
        Ok(self.copy_from(other, key)? && self.check_object(key).is_ok())
    }
}

fn check_pack(pack: &Pack) -> Result<(), String> {
    for entry in pack.index().entries() {
        let content = pack.read(&entry.digest).map_err(|error| error.to_string())?;
        if entry.kind == crate::ContentKind::Manifest {
            Manifest::parse(content.unwrap_or_default()).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}
