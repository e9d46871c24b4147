//! `pinnace diff`: the differences between two PEX files.

use pinnace_build::Env;
use pinnace_pex::{DistributionChange, FileChange, PexDiff};
use serde_json::{Value, json};

use super::info::open;
use crate::{Failure, arguments::Diff, output::Output};

pub(crate) fn run(arguments: &Diff, env: &Env, output: Output) -> Result<(), Failure> {
    let [old, new] = [&arguments.old, &arguments.new].map(|path| open(path, env));
    let diff = old?.diff(&new?)?;
    output.result(&diff.to_string(), &as_json(&diff))?;
    if arguments.exit_code && !diff.is_empty() {
        return Err(Failure::silent());
    }
    Ok(())
}

fn as_json(diff: &PexDiff) -> Value {
    let distribution = |(project, change): &(String, DistributionChange)| {
        let change = match change {
            DistributionChange::Added(wheels) => json!({ "change": "added", "to": wheels }),
            DistributionChange::Removed(wheels) => json!({ "change": "removed", "from": wheels }),
            DistributionChange::Version { from, to } => {
                json!({ "change": "version", "from": from, "to": to })
            }
            DistributionChange::Wheels { from, to } => {
                json!({ "change": "wheels", "from": from, "to": to })
            }
            DistributionChange::Form => json!({ "change": "form" }),
            _ => json!({ "change": "contents" }),
        };
        (project.clone(), change)
    };
    let code = diff.code.iter().map(|(path, change)| {
        let change = match change {
            FileChange::Added => "added",
            FileChange::Removed => "removed",
            FileChange::Mode => "mode",
            _ => "changed",
        };
        (path.clone(), change.into())
    });
    let settings = diff.settings.iter();
    let settings = settings.map(|(key, from, to)| (key.clone(), json!({ "from": from, "to": to })));
    json!({
        "same": diff.is_empty(),
        "summary": diff.to_string(),
        "distributions": diff.distributions.iter().map(distribution).collect::<serde_json::Map<_, _>>(),
        "code": code.collect::<serde_json::Map<_, _>>(),
        "settings": settings.collect::<serde_json::Map<_, _>>(),
        "shebang": diff.shebang.as_ref().map(|(from, to)| json!({ "from": from, "to": to })),
        "bytecode": diff.bytecode,
        "boot": diff.boot,
    })
}
