use std::collections::{BTreeMap, BTreeSet};

use pinnace_env::{Conflict, Distribution, Place, Plan};
use pinnace_wheel::{Requirement, Target, WheelName};

use crate::{
    Bytecode, Error, ErrorKind, InterpreterConstraint, Pex, PexBuilder, PexInfo, PexLayer,
    PexWheels, PlatformRules,
    diff::{set, settings},
};

/// A merge of several PEX files into one. The first is the main file, which provides the entry
/// point and the settings.
///
/// Planning comes first, so that the caller can inspect the conflicts before writing anything.
#[derive(Debug)]
pub struct PexMerge<'a> {
    files: &'a [(String, Pex)],
    parts: Vec<MergePart>,
}

/// The merge for one platform.
#[derive(Debug)]
struct MergePart {
    target: Target,
    layers: Vec<PexLayer>,
    plan: Plan<[u8; 32]>,
}

impl<'a> PexMerge<'a> {
    /// Plans the merge of files for platforms. The name of each file identifies it in conflicts.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Unfit`] if two files have one name or there are no files, and
    /// [`ErrorKind::Input`] with the errors of [`Pex::layer`].
    pub fn plan(files: &'a [(String, Pex)], targets: &[Target]) -> Result<Self, Error> {
        let names: BTreeSet<&String> = files.iter().map(|(name, _)| name).collect();
        if names.len() < files.len() || files.is_empty() {
            let path = files.first().map(|(name, _)| name.clone()).unwrap_or_default();
            let reason = "files that are merged need names of their own".to_owned();
            return Err(ErrorKind::Unfit { path, reason }.into());
        }
        let parts = targets.iter().map(|target| {
            let layers = files.iter().map(|(name, pex)| {
                let fault = |source| ErrorKind::Input { file: name.clone(), source };
                pex.layer(name, target).map_err(|source| fault(source).into())
            });
            let layers: Vec<PexLayer> = layers.collect::<Result<_, Error>>()?;
            let plain: Vec<_> = layers.iter().map(|layer| layer.layer.clone()).collect();
            let plan = pinnace_env::merge(&plain, &PlatformRules(target));
            Ok(MergePart { target: target.clone(), layers, plan })
        });
        Ok(Self { files, parts: parts.collect::<Result<_, Error>>()? })
    }

    /// Returns the conflicts, each once. Unsatisfied requirements on a project that a file excludes
    /// or overrides do not count.
    pub fn conflicts(&self) -> Vec<&Conflict> {
        let loosened: BTreeSet<String> =
            self.files.iter().flat_map(|(_, pex)| loosened(pex.info())).collect();
        let mut conflicts = Vec::new();
        for conflict in self.parts.iter().flat_map(|part| part.plan.conflicts()) {
            let is_loose = match conflict {
                Conflict::Unsatisfied { project, .. } => loosened.contains(project),
                _ => false,
            };
            if !is_loose && !conflicts.contains(&conflict) {
                conflicts.push(conflict);
            }
        }
        conflicts
    }

    /// Describes a conflict. If it does not occur on all platforms, the text names those on which
    /// it does.
    pub fn told(&self, conflict: &Conflict) -> String {
        let on = self.parts.iter().filter(|part| part.plan.conflicts().contains(conflict));
        let names: Vec<String> = on.map(|part| part.target.to_string()).collect();
        if names.len() == self.parts.len() {
            conflict.to_string()
        } else {
            format!("{conflict} (on {})", names.join(", "))
        }
    }

    /// Returns the wheels that are left out because they fit no platform.
    pub fn misfits(&self) -> Vec<&WheelName> {
        let taken = self.distributions();
        let misfits =
            self.parts.iter().flat_map(|part| &part.layers).flat_map(|layer| &layer.misfits);
        let misfits: BTreeMap<&str, &WheelName> =
            misfits.map(|wheel| (wheel.as_str(), wheel)).collect();
        misfits.into_values().filter(|wheel| !taken.contains(wheel.as_str())).collect()
    }

    /// Returns the settings of the other files that differ from the main file and are therefore
    /// dropped: the file, the key of `PEX-INFO` and its value.
    pub fn dropped(&self) -> Result<Vec<(&str, String, String)>, Error> {
        let mut dropped = Vec::new();
        for (name, pex) in self.files.iter().skip(1) {
            let changes = settings(&self.files[0].1, pex)?;
            dropped.extend(changes.into_iter().filter_map(|(key, _, value)| {
                let value = set(&key, value.as_ref())?.to_string();
                (!TOGETHER.contains(&key.as_str())).then_some((name.as_str(), key, value))
            }));
        }
        Ok(dropped)
    }

    /// Returns the wheel file names of the merged distributions.
    pub fn distributions(&self) -> BTreeSet<&str> {
        self.parts.iter().flat_map(MergePart::wheels).collect()
    }

    /// Returns a builder for the merged file, and the wheels that it reads.
    ///
    /// # Errors
    ///
    /// Returns an error if a distribution is damaged, and [`ErrorKind::NoInterpreter`] if no
    /// interpreter can run all of the files.
    pub fn builder(&self) -> Result<(PexBuilder, PexWheels), Error> {
        let (mut builder, mut wheels) = (PexBuilder::new(), PexWheels::new());
        *builder.info_mut() = self.info()?;
        let mut digests: BTreeMap<&str, [u8; 32]> = BTreeMap::new();
        for part in &self.parts {
            for (layer, distribution) in part.chosen() {
                if !digests.contains_key(distribution.name().as_str()) {
                    digests.insert(distribution.name().as_str(), wheels.add(distribution)?);
                    if let Some(bytecode) = self.bytecode(layer, distribution.name())? {
                        builder.add_bytecode(distribution.name(), bytecode);
                    }
                }
            }
            let names = part.chosen().map(|(_, distribution)| distribution.name());
            builder.add_platform(&part.target, names.map(|name| (name, digests[name.as_str()])));
            builder.require_python(
                part.plan.distributions().filter_map(Distribution::requires_python),
            );
        }
        self.add_code(&mut builder)?;
        Ok((builder, wheels))
    }

    fn add_code(&self, builder: &mut PexBuilder) -> Result<(), Error> {
        let Some(part) = self.parts.first() else { return Ok(()) };
        let mut modes = BTreeMap::new();
        for (name, pex) in self.files {
            for (path, mode) in pex.code_files() {
                modes.insert((name.as_str(), path), (pex, mode));
            }
        }
        for (file, source) in part.plan.files().filter(|(file, _)| file.place() == Place::Code) {
            if let Some((pex, mode)) = modes.get(&(source.layer(), file.path())) {
                builder.add_code(file.path(), *mode, pex.read_code(file.path())?)?;
            }
        }
        Ok(())
    }

    fn bytecode(&self, layer: &str, wheel: &WheelName) -> Result<Option<Bytecode>, Error> {
        let Some((_, pex)) = self.files.iter().find(|(name, _)| name == layer) else {
            return Ok(None);
        };
        let own = pex.info().pinnace.as_ref();
        let Some(info) = own.and_then(|own| own.bytecode.get(wheel.as_str())) else {
            return Ok(None);
        };
        let bytes = pex.tree().read(&format!(".deps/{wheel}.{}.zip", info.python))?;
        Bytecode::check(info.clone(), bytes, wheel.as_str()).map(Some)
    }

    /// Returns the settings of the main file, with the settings that are combined from all files.
    fn info(&self) -> Result<PexInfo, Error> {
        let infos = || self.files.iter().map(|(_, pex)| pex.info());
        let mut info = self.files[0].1.info().clone();
        let union = |of: fn(&PexInfo) -> &Vec<String>| -> Vec<String> {
            let all: BTreeSet<&String> = infos().flat_map(of).collect();
            all.into_iter().cloned().collect()
        };
        info.requirements = union(|info| &info.requirements);
        info.excluded = union(|info| &info.excluded);
        info.overridden = union(|info| &info.overridden);
        info.ignore_errors = infos().any(|info| info.ignore_errors);
        info.interpreter_constraints = infos()
            .map(|info| info.interpreter_constraints.clone())
            .try_fold(Vec::new(), InterpreterConstraint::both)?;
        // That version belongs to a tool that did not write this file.
        info.build_properties.remove("pex_version");
        Ok(info)
    }
}

impl MergePart {
    /// Returns the distributions that the plan selected, each with its layer.
    fn chosen(&self) -> impl Iterator<Item = (&str, &crate::PexDistribution)> {
        self.plan.sources().iter().filter_map(|source| {
            let name = source.distribution()?.file_name();
            let layer = self.layers.iter().find(|layer| layer.layer.name() == source.layer())?;
            let found = layer
                .distributions
                .iter()
                .find(|distribution| distribution.name().as_str() == name)?;
            Some((source.layer(), found))
        })
    }

    fn wheels(&self) -> impl Iterator<Item = &str> {
        self.plan.distributions().map(Distribution::file_name)
    }
}

/// The keys that are combined from all files.
const TOGETHER: [&str; 5] =
    ["excluded", "ignore_errors", "interpreter_constraints", "overridden", "requirements"];

/// Returns the projects that a file excludes or overrides.
fn loosened(info: &PexInfo) -> impl Iterator<Item = String> {
    let all = info.excluded.iter().chain(&info.overridden);
    all.filter_map(|text| Some(Requirement::parse_lenient(text).ok()?.name().as_str().to_owned()))
}
