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

/// The arguments with all that they leave out, and what the user should know.
pub(super) fn with_project(
    mut arguments: Build,
    settings: &Settings,
    backends: &Backends<'_>,
    environment: &Environment,
) -> Result<(Build, Vec<String>), Failure> {
    let (folder, mut notes) = (&environment.folder, Vec::new());
    let named = std::mem::take(&mut arguments.inputs);
    arguments.inputs = inputs_of(folder, settings, backends)?;
    arguments.inputs.constraint = named.constraint;
    arguments.inputs.overrides = named.overrides;
    arguments.inputs.exclude = named.exclude;
    arguments.inputs.extra.extend(named.extra);
    arguments.inputs.group.extend(named.group);
    arguments.lock = lock_of(folder, arguments.inputs.package.as_deref());
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
        notes.extend(set_program(&mut arguments, settings, distribution.as_ref()));
    }
    if arguments.output.is_none() {
        let name = distribution.map(|one| one.name);
        let name = name.or_else(|| Some(folder.file_name()?.to_str()?.to_owned()));
        let name = name.unwrap_or_else(|| "app".to_owned());
        let file = if arguments.split { name } else { format!("{name}.pex") };
        arguments.output = Some(file.into());
    }
    Ok((arguments, notes))
}

/// What its process `web` runs, else the script that is called as the project is, or is its only one.
fn set_program(
    arguments: &mut Build,
    settings: &Settings,
    distribution: Option<&LocalDistribution>,
) -> Option<String> {
    let Some(web) = settings.processes.get("web") else {
        arguments.run.script = distribution.and_then(only_script);
        return None;
    };
    let (run, is_python) = (&mut arguments.run, web.argv[0].starts_with("python"));
    let rest: &[String] = match web.argv.as_slice() {
        [_, flag, module, rest @ ..] if is_python && flag == "-m" => {
            run.entry = Some(module.clone());
            rest
        }
        [_, file, rest @ ..] if is_python && file.ends_with(".py") => {
            run.executable = Some(file.into());
            rest
        }
        [program, rest @ ..] if !is_python => {
            run.script = Some(program.clone());
            rest
        }
        _ => return Some(format!("`{}` cannot be put into a file", web.argv.join(" "))),
    };
    if arguments.start.inject_args.is_empty() {
        let filled = rest.iter().map(|word| word.replace("{port}", PORT));
        let quoted = filled.filter_map(|word| Some(shlex::try_quote(&word).ok()?.into_owned()));
        arguments.start.inject_args = quoted.collect();
    }
    let is_filled = rest.iter().any(|word| word.contains("{port}"));
    is_filled.then(|| format!("`{{port}}` is {PORT} in the file: nobody is there to fill it in"))
}

/// What `{port}` is in a file.
const PORT: &str = "8000";

fn only_script(project: &LocalDistribution) -> Option<String> {
    let scripts = pinnace_pex::console_scripts(&project.entry_points);
    let names: Vec<&str> = scripts.iter().map(|(name, _)| name.as_str()).collect();
    match names.as_slice() {
        [only] => Some((*only).to_owned()),
        _ => names.contains(&project.name.as_str()).then(|| project.name.clone()),
    }
}
