//! Which wheels and folders go into what is made.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use pinnace_deploy::{Machine, Wheel as ShippedWheel};
use pinnace_env::{Conflict, Distribution, Layer, Policy, Ruling, merge};
use pinnace_pex::PlatformRules;
use pinnace_store::{Digest, parallel};
use pinnace_wheel::{
    ExtraName, Folder, FolderKind, Lock, Pin, ProjectName, Requirement, Satisfaction, Selection,
    Target, UvLock, WheelName,
};

use crate::{Failure, arguments::InputArguments, inputs::Wanted, supply::Supply};

/// Chooses from what is wanted.
pub(crate) struct Chooser<'a> {
    pub(crate) inputs: &'a InputArguments,
    /// Whether extras and groups are those of the settings of a project, which its lock need not tell apart.
    pub(crate) is_of_project: bool,
    /// Whether nothing that is required is asked for.
    pub(crate) is_intransitive: bool,
    pub(crate) wanted: &'a Wanted,
}

/// A wheel that was chosen.
pub(crate) struct Wheel {
    pub(crate) name: WheelName,
    pub(crate) sha256: [u8; 32],
}

/// What goes into the file for one platform, and what the user should know.
#[derive(Default)]
pub(crate) struct Chosen {
    pub(crate) pins: Vec<Pin>,
    /// The folders whose code goes into the file.
    pub(crate) folders: Vec<PathBuf>,
    /// Folders of projects that are no packages, which a lock has all the same.
    pub(crate) left_alone: Vec<Folder>,
    /// Projects that were overridden or excluded: what others require of them need not hold.
    pub(crate) loosened: BTreeSet<ProjectName>,
    /// Whether nothing that is required was asked for.
    is_intransitive: bool,
    pub(crate) notes: Vec<String>,
}

impl Chosen {
    /// Whether something of it must be built.
    pub(crate) fn needs_build(&self) -> bool {
        self.pins.iter().any(|pin| pin.wheel().is_none())
    }

    /// Makes sure that a lock has what is wanted on a platform, with its extras: one that is older than a project
    /// would leave something out.
    pub(crate) fn check_lock(
        &mut self,
        lock: &Path,
        wanted: &Wanted,
        target: &Target,
    ) -> Result<(), Failure> {
        let name = lock.file_name().unwrap_or_default().to_string_lossy();
        let again = if name == "uv.lock" { "uv lock" } else { "pinnace lock" };
        self.loosened.extend(wanted.request.loosened().cloned());
        let pinned = |pin: &Pin| (pin.project().clone(), pin.version().clone());
        let pins = self.pins.iter().map(pinned).collect();
        let (requirement, found) = match wanted.request.covered_by(&pins, target)? {
            Satisfaction::Satisfied(mut extras) => {
                for pin in &mut self.pins {
                    let own = extras.remove(pin.project()).unwrap_or_default();
                    let all = pin.extras().iter().cloned().chain(own).collect::<BTreeSet<_>>();
                    *pin = pin.clone().with_extras(all.into_iter().collect());
                }
                return Ok(());
            }
            Satisfaction::Unsatisfied { requirement, found } => (requirement, found),
        };
        let found = found.map_or_else(|| "does not have it".to_owned(), |one| format!("has {one}"));
        let message =
            format!("the project requires {requirement}, and `{}` {found}", lock.display());
        Err(Failure::job(message)
            .hint(format!("`{again}` in the folder of the project locks again")))
    }

    /// Projects that need not be as others require: what is there all the same was overridden.
    pub(crate) fn overridden_and_excluded(&self) -> (Vec<String>, Vec<String>) {
        let pins: BTreeSet<&ProjectName> = self.pins.iter().map(Pin::project).collect();
        let named = |project: &ProjectName| project.to_string();
        let (there, gone): (Vec<&ProjectName>, Vec<&ProjectName>) =
            self.loosened.iter().partition(|project| pins.contains(project));
        (there.into_iter().map(named).collect(), gone.into_iter().map(named).collect())
    }
}

impl Chooser<'_> {
    /// The newest that will do.
    pub(crate) fn choose(&self, supply: &Supply<'_>) -> Result<Chosen, Failure> {
        let request = &self.wanted.request;
        let resolution = supply.resolve_to_wheels(request)?;
        let notes = resolution.warnings().to_vec();
        Ok(Chosen {
            pins: resolution.pins().to_vec(),
            folders: self.wanted.folders.clone(),
            left_alone: Vec::new(),
            loosened: request.loosened().cloned().collect(),
            is_intransitive: self.is_intransitive,
            notes,
        })
    }

    /// What a lock has for a platform.
    pub(crate) fn locked(&self, path: &Path, target: &Target) -> Result<Chosen, Failure> {
        let text = fs::read_to_string(path).map_err(|error| {
            Failure::job(format!("cannot read the lock `{}`: {error}", path.display()))
        })?;
        if text.trim_start().starts_with('{') {
            let message =
                format!("`{}` is a lock of the pex tool, which is not read", path.display());
            return Err(Failure::job(message)
                .hint("`pex3 lock export --format pep-751 LOCK` makes a pylock.toml of it"));
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        let inputs = self.inputs;
        let extras: Vec<ExtraName> =
            inputs.extra.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
        let groups: Vec<ProjectName> =
            inputs.group.iter().map(|name| name.parse()).collect::<Result<_, _>>()?;
        let selection = match path.file_name().is_some_and(|name| name == "uv.lock") {
            true => {
                let lock = UvLock::parse(&text, folder)?;
                let member = self.member(&lock)?;
                lock.select(&member, target, &extras, &groups)?
            }
            false if inputs.package.is_some() => {
                return Err(Failure::usage("only a `uv.lock` has members for `--package`"));
            }
            false => {
                let lock = Lock::parse(&text, folder)?;
                let (mut extras, mut groups) = (extras, groups);
                if self.is_of_project {
                    // What else was asked for when it was made is in it for good.
                    extras.retain(|extra| lock.extras().contains(extra));
                    groups.retain(|group| lock.groups().contains(group));
                }
                lock.select(target, &extras, &groups)?
            }
        };
        let mut chosen = chosen(selection)?;
        let named = self.wanted.folders.iter().filter(|one| !chosen.folders.contains(one));
        chosen.folders.extend(named.cloned().collect::<Vec<_>>());
        Ok(chosen)
    }

    /// The member of a workspace that is named, or the only one.
    fn member(&self, lock: &UvLock) -> Result<ProjectName, Failure> {
        let members: Vec<&str> = lock.members().collect();
        match (&self.inputs.package, members.as_slice()) {
            (Some(name), _) => Ok(name.parse()?),
            (None, [only]) => Ok(only.parse()?),
            (None, several) => {
                let message = format!("the lock has the members {}", several.join(", "));
                Err(Failure::usage(message).hint(match self.is_of_project {
                    true => "name the folder of one",
                    false => "name one with `--package`",
                }))
            }
        }
    }
}

fn chosen(selection: Selection) -> Result<Chosen, Failure> {
    if let Some((name, url)) = selection.repositories.first() {
        let message = format!(
            "`{name}` is in a repository ({}), and source is built from archives alone",
            shown(url)
        );
        return Err(Failure::job(message));
    }
    let (packages, rest): (Vec<Folder>, Vec<Folder>) =
        selection.folders.into_iter().partition(|folder| folder.kind == FolderKind::Package);
    Ok(Chosen {
        pins: selection.pins,
        folders: packages.into_iter().map(|folder| folder.path).collect(),
        left_alone: rest,
        loosened: selection.loosened.into_iter().collect(),
        is_intransitive: false,
        notes: Vec::new(),
    })
}

/// A repository without what may be a secret in its address.
fn shown(url: &str) -> String {
    let bare = url.split(['?', '#']).next().unwrap_or_default();
    bare.rsplit_once('@').map_or(bare, |(_, rest)| rest).to_owned()
}

/// What a look into the wheels tells.
pub(crate) struct Checked {
    /// The versions of Python that each of them runs on.
    pub(crate) python: Vec<String>,
    /// What does not go together, and yet does no harm that a user could not want.
    pub(crate) notes: Vec<String>,
}

/// Whatever the solver said, the set that is shipped is looked at once more as a whole: what it holds,
/// not what an index says of it.
pub(crate) fn check(
    chosen: &Chosen,
    wheels: &[Wheel],
    target: &Target,
    machine: &Machine,
    threads: usize,
) -> Result<Checked, Failure> {
    let mut layer = Layer::new("the request");
    // What the user overrode or left out is the user's to answer for.
    let holds = |text: &String| {
        let requirement = Requirement::parse_lenient(text);
        !chosen.is_intransitive
            && !requirement.is_ok_and(|one| chosen.loosened.contains(one.name()))
    };
    let distributions = parallel::each(wheels, threads, |wheel| {
        let digest = Digest::new(wheel.sha256);
        machine.distribution(&ShippedWheel::new(wheel.name.as_str(), digest, Vec::new()))
    });
    for (pin, distribution) in chosen.pins.iter().zip(distributions) {
        let distribution = distribution?;
        let requires = distribution.requires().iter().filter(|one| holds(one)).cloned().collect();
        let extras = pin.extras().iter().map(ToString::to_string).collect();
        layer = layer.with(distribution.requiring(requires, extras));
    }
    let plan = merge(&[layer], &PlatformRules(target));
    let python = plan.distributions().filter_map(Distribution::requires_python);
    let python = python.map(str::to_owned).collect();
    let policy = Policy::of_installers();
    let (refused, tolerated): (Vec<&Conflict>, Vec<&Conflict>) =
        plan.conflicts().iter().partition(|one| policy.judge(one) == Ruling::Refuse);
    if refused.is_empty() {
        return Ok(Checked { python, notes: tolerated.iter().map(ToString::to_string).collect() });
    }
    let lines: Vec<String> = refused.iter().map(|one| format!("  - {one}")).collect();
    Err(Failure::job(format!("the wheels do not go together:\n{}", lines.join("\n"))))
}
