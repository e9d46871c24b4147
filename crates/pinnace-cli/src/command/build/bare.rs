//! A build of which nothing is said: the project in the current folder, as it would be deployed.

use pinnace_deploy::{LocalDistribution, Settings};

use crate::{
    Failure,
    arguments::{Build, LayoutName},
    backends::Backends,
    environment::Environment,
    inputs::{inputs_of, lock_of},
};

/// What the project in the current folder says of itself.
pub(super) fn settings(environment: &Environment) -> Result<Settings, Failure> {
    Ok(Settings::of_project(&environment.folder, None)?)
}

/// The arguments with the platform that the project says, if they name none.
pub(super) fn with_platform(mut arguments: Build, settings: &Settings) -> Build {
    if arguments.platform.are_open() {
        arguments.platform.pythons.extend(settings.python.clone());
        arguments.platform.platform.extend(settings.platform.clone());
    }
    arguments
}

/// The arguments with all that they leave out.
pub(super) fn with_project(
    mut arguments: Build,
    settings: &Settings,
    backends: &Backends<'_>,
    environment: &Environment,
) -> Result<Build, Failure> {
    let folder = &environment.folder;
    let named = std::mem::take(&mut arguments.inputs);
    arguments.inputs = inputs_of(folder, settings, backends)?;
    arguments.inputs.constraint = named.constraint;
    arguments.inputs.overrides = named.overrides;
    arguments.inputs.exclude = named.exclude;
    arguments.inputs.extra.extend(named.extra);
    arguments.inputs.group.extend(named.group);
    arguments.lock = lock_of(folder);
    let is_project = arguments.inputs.project.is_some();
    if !is_project && arguments.inputs.requirement_files.is_empty() && arguments.lock.is_none() {
        return Err(Failure::usage("there is nothing to build, and no project in this folder").hint(
            "name requirements, as in `pinnace build flask -o app.pex`, or a folder of code with `-D`",
        ));
    }
    if !is_project {
        // The code beside a `requirements.txt` is the project.
        arguments.inputs.code.push(folder.clone());
    }
    let is_workspace = arguments.lock.as_ref().is_some_and(|file| file.ends_with("uv.lock"));
    arguments.inputs.package = arguments.inputs.package.filter(|_| is_workspace);
    let distribution = backends.distribution(folder)?;
    let has_run = &arguments.run;
    let runs = has_run.script.is_some() || has_run.entry.is_some() || has_run.executable.is_some();
    if !runs && arguments.start.form.layout != LayoutName::Flat {
        set_program(&mut arguments, settings, distribution.as_ref());
    }
    if arguments.output.is_none() {
        let name = distribution.map(|one| one.name);
        let name = name.or_else(|| Some(folder.file_name()?.to_str()?.to_owned()));
        let name = name.unwrap_or_else(|| "app".to_owned());
        let file = if arguments.split { name } else { format!("{name}.pex") };
        arguments.output = Some(file.into());
    }
    Ok(arguments)
}

/// What its process `web` runs, else the script that is called as the project is, or is its only one.
fn set_program(
    arguments: &mut Build,
    settings: &Settings,
    distribution: Option<&LocalDistribution>,
) {
    let web = settings.processes.get("web").map(|web| web.argv.as_slice());
    let rest: &[String] = match web {
        Some([python, flag, module, rest @ ..]) if python.starts_with("python") && flag == "-m" => {
            arguments.run.entry = Some(module.clone());
            rest
        }
        Some([program, rest @ ..]) if !program.starts_with("python") => {
            arguments.run.script = Some(program.clone());
            rest
        }
        _ => {
            arguments.run.script = distribution.and_then(only_script);
            &[]
        }
    };
    // A port is for whoever starts it to say.
    if arguments.start.inject_args.is_empty() && !rest.iter().any(|word| word.contains('{')) {
        let quoted = rest.iter().filter_map(|word| shlex::try_quote(word).ok());
        arguments.start.inject_args = quoted.map(|word| word.into_owned()).collect();
    }
}

fn only_script(project: &LocalDistribution) -> Option<String> {
    let scripts = pinnace_pex::console_scripts(&project.entry_points);
    let names: Vec<&str> = scripts.iter().map(|(name, _)| name.as_str()).collect();
    match names.as_slice() {
        [only] => Some((*only).to_owned()),
        _ => names.contains(&project.name.as_str()).then(|| project.name.clone()),
    }
}
