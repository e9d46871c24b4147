//! `pinnace info`: what a PEX file holds.

use std::{collections::BTreeSet, path::Path};

use pinnace_build::Env;
use pinnace_pex::{Pex, PexInfo, PexLayout, WheelForm};
use serde_json::json;

use crate::{
    Failure,
    arguments::Info,
    progress::{Count, Output, Size},
};

pub(crate) fn run(arguments: &Info, env: &Env, output: Output) -> Result<(), Failure> {
    let path = &arguments.file;
    let pex = open(path, env)?;
    let size = path.metadata().ok().filter(|_| pex.layout() == PexLayout::Zipapp);
    let shown =
        Shown { pex: &pex, path: path.display().to_string(), bytes: size.map(|it| it.len()) };
    output.result(&shown.as_text(), &shown.as_json())
}

/// Opens a PEX file that the user named.
pub(crate) fn open(path: &Path, env: &Env) -> Result<Pex, Failure> {
    let opened = Pex::open(&env.folder.join(path));
    opened.map_err(|error| Failure::job(format!("cannot read `{}`: {error}", path.display())))
}

/// The Interpreters that bytecode is of.
fn bytecode(info: &PexInfo) -> String {
    let own = info.pinnace.iter().flat_map(|own| own.bytecode.values());
    let pythons: BTreeSet<&str> = own.map(|one| one.python.as_str()).collect();
    pythons.into_iter().collect::<Vec<_>>().join(", ")
}

struct Shown<'a> {
    pex: &'a Pex,
    path: String,
    /// Of a folder nobody knows without counting.
    bytes: Option<u64>,
}

impl Shown<'_> {
    fn as_json(&self) -> serde_json::Value {
        json!({
            "file": self.path,
            "layout": self.layout(),
            "bytes": self.bytes,
            "shebang": self.pex.shebang(),
            "files": self.pex.file_count(),
            "sources": self.pex.code().count(),
            "pex_info": self.pex.info(),
        })
    }

    fn as_text(&self) -> String {
        let (pex, info) = (self.pex, self.pex.info());
        let size = self.bytes.map_or_else(String::new, |bytes| format!("{}, ", Size(bytes)));
        let files = Count(pex.file_count(), "file");
        let code = pex.code().count();
        let mut lines = vec![format!("{}: {size}{files}, {code} of them code", self.path)];
        let one_line = |text: &str| text.replace('\n', "\\n");
        let mut line = |name: &str, value: &str| {
            if !value.is_empty() {
                lines.push(format!("  {name:<14}{}", one_line(value)));
            }
        };
        line("layout", self.layout());
        if let Some(own) = &info.pinnace {
            let names: Vec<&str> = own.platforms.iter().map(|one| one.name.as_str()).collect();
            line("platform", &names.join(", "));
        }
        line("starts with", pex.shebang());
        let runs = info.entry_point.as_ref().or(info.script.as_ref());
        line("runs", runs.map_or("an interpreter", String::as_str));
        line("constraints", &info.interpreter_constraints.join(" or "));
        line("sees also", &info.pex_path);
        line("inherits", if info.inherit_path == "false" { "" } else { &info.inherit_path });
        line("sets", &info.inject_env.keys().cloned().collect::<Vec<_>>().join(", "));
        line("arguments", &info.inject_args.join(" "));
        line("bytecode", &bytecode(info));
        line("errors", if info.ignore_errors { "are ignored at a start" } else { "" });
        line("tools", if info.includes_tools { "PEX_TOOLS=1" } else { "" });
        line("key", &info.pex_hash);
        line("requirements", &info.requirements.join(", "));
        let installed = pex.distributions().iter().any(|one| one.form() == WheelForm::Installed);
        let form = if installed { ", installed" } else { "" };
        line("wheels", &format!("{}{form}", info.distributions.len()));
        for (wheel, digest) in &info.distributions {
            lines.push(one_line(&format!("    {wheel}  {digest}")));
        }
        lines.join("\n")
    }

    fn layout(&self) -> &'static str {
        match self.pex.layout() {
            PexLayout::Packed => "packed",
            PexLayout::Loose => "loose",
            _ => "zipapp",
        }
    }
}
