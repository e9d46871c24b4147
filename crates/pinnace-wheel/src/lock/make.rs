//! The creation of a lock from the resolutions of one request for several platforms.

use std::{collections::BTreeMap, path::PathBuf};

use super::{Files, Lock, Package};
use crate::{
    Artifact, Error, ErrorKind, File, LocalPin, Marker, MarkerVariable as Variable, MetadataFile,
    Pin, ProjectName, Resolution, Target, Version,
};

/// The markers that tell the environments of a lock apart.
const TELLING: [Variable; 4] = [
    Variable::SysPlatform,
    Variable::PlatformMachine,
    Variable::ImplementationName,
    Variable::PythonVersion,
];

type Key = (ProjectName, Version);

impl Lock {
    /// Merges the resolutions of several platforms. Packages that all platforms share become one
    /// entry. Packages of only some platforms carry a marker that holds on those.
    ///
    /// # Errors
    ///
    /// Returns [`ErrorKind::Lock`] if a file has no SHA-256. Fails also if two platforms with equal
    /// markers (such as two C libraries) hold different versions: a lock cannot tell them apart.
    pub fn new<'s>(
        solved: impl IntoIterator<Item = (&'s Target, &'s Resolution)>,
    ) -> Result<Self, Error> {
        let solved: Vec<(&Target, &Resolution)> = solved.into_iter().collect();
        let mut environments: Vec<Marker> = Vec::new();
        let mut of_target = Vec::new();
        for (target, _) in &solved {
            let marker = environment(target)?;
            let known = environments.iter().position(|known| *known == marker);
            of_target.push(known.unwrap_or(environments.len()));
            if known.is_none() {
                environments.push(marker);
            }
        }
        check_twins(&solved, &of_target)?;
        let mut merged: BTreeMap<Key, Merged<'_>> = BTreeMap::new();
        for ((_, resolution), environment) in solved.iter().zip(&of_target) {
            for pin in resolution.pins() {
                let key = (pin.project().clone(), pin.version().clone());
                merged.entry(key).or_default().add(*environment).pins.push(pin);
            }
            for local in resolution.locals() {
                let key = (local.project.clone(), local.version.clone());
                merged.entry(key).or_default().add(*environment).local = Some(local);
            }
        }
        let package = |((name, version), merged): (Key, Merged<'_>)| {
            let marker = (merged.on.len() < environments.len()).then(|| {
                let markers = merged.on.iter().map(|at| environments[*at].clone());
                markers.reduce(Marker::or)
            });
            package(name, version, marker.flatten(), &merged)
        };
        let packages = merged.into_iter().map(package).collect::<Result<_, _>>()?;
        Ok(Self { environments, packages, ..Self::default() })
    }
}

/// The choices for one project in one version.
#[derive(Default)]
struct Merged<'s> {
    /// The environments that include it.
    on: Vec<usize>,
    pins: Vec<&'s Pin>,
    local: Option<&'s LocalPin>,
}

impl Merged<'_> {
    fn add(&mut self, environment: usize) -> &mut Self {
        if !self.on.contains(&environment) {
            self.on.push(environment);
        }
        self
    }
}

fn environment(target: &Target) -> Result<Marker, Error> {
    let mut all: Option<Marker> = None;
    for variable in TELLING {
        let Some(value) = target.markers().get(variable) else {
            let reason = format!("the platform {target} does not define `{variable}`");
            return Err(ErrorKind::Lock { reason }.into());
        };
        let condition = Marker::equals(variable, value);
        all = Some(all.map_or(condition.clone(), |all| all.and(condition)));
    }
    all.ok_or_else(|| ErrorKind::Lock { reason: "it has no markers".to_owned() }.into())
}

/// Checks that platforms with equal markers hold the same versions.
fn check_twins(solved: &[(&Target, &Resolution)], of_target: &[usize]) -> Result<(), Error> {
    let versions = |resolution: &Resolution| -> Vec<Key> {
        resolution.pins().iter().map(|pin| (pin.project().clone(), pin.version().clone())).collect()
    };
    for (at, (target, pins)) in solved.iter().enumerate() {
        let Some(first) =
            of_target[..at].iter().position(|environment| *environment == of_target[at])
        else {
            continue;
        };
        let (twin, others) = &solved[first];
        let (own, others) = (versions(pins), versions(others));
        if let Some((name, version)) = own
            .iter()
            .find(|key| !others.contains(key))
            .or_else(|| others.iter().find(|key| !own.contains(key)))
        {
            let reason = format!(
                "the platforms {twin} and {target} have the same markers but differ in {name} \
                 {version}; give each a lock of its own"
            );
            return Err(ErrorKind::Lock { reason }.into());
        }
    }
    Ok(())
}

fn package(
    name: ProjectName,
    version: Version,
    marker: Option<Marker>,
    merged: &Merged<'_>,
) -> Result<Package, Error> {
    let pins = &merged.pins;
    if let Some(local) = merged.local {
        let files = Files::Directory(PathBuf::from(&local.path));
        let (requires_python, index) = (None, None);
        return Ok(Package { name, version: Some(version), marker, requires_python, index, files });
    }
    let mut files: Vec<File> = Vec::new();
    for pin in pins {
        let file = locked(pin.file())?;
        if !files.contains(&file) {
            files.push(file);
        }
    }
    files.sort_by(|a, b| a.artifact.file_name().cmp(b.artifact.file_name()));
    let requires_python = match files.as_slice() {
        [first, rest @ ..] if rest.iter().all(|it| it.requires_python == first.requires_python) => {
            first.requires_python.clone()
        }
        _ => None,
    };
    let by_address = pins.iter().any(|pin| pin.is_by_address());
    let files = match (by_address, files.as_slice()) {
        (true, [archive]) => Files::Archive(Box::new(archive.clone())),
        (true, _) => {
            let reason = format!("{name} is required from several addresses");
            return Err(ErrorKind::Lock { reason }.into());
        }
        (false, _) => Files::Listed(files),
    };
    Ok(Package { name, version: Some(version), marker, requires_python, index: None, files })
}

/// Returns a file as a lock stores it: without its yanked state and without credentials.
fn locked(file: &File) -> Result<File, Error> {
    if file.sha256.is_none() {
        let name = match &file.artifact {
            Artifact::Wheel(wheel) => wheel.as_str(),
            Artifact::Sdist(_) => file.artifact.file_name(),
        };
        let reason = format!("unknown SHA-256 of `{name}`");
        return Err(ErrorKind::Lock { reason }.into());
    }
    let mut locked = file.clone();
    locked.address = file.address.public();
    (locked.yanked, locked.metadata_file) = (None, MetadataFile::Unknown);
    Ok(locked)
}
