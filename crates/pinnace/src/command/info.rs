//! `pinnace info`: the contents and the settings of a PEX file.

use std::{collections::BTreeSet, path::Path};

use pinnace_build::Env;
use pinnace_pex::{Pex, PexInfo, PexLayout, WheelForm};
use serde_json::json;

use crate::{
    Failure,
    arguments::Info,
    output::Output,
    quantity::{Count, Size},
};

pub(crate) fn run(arguments: &Info, env: &Env, output: Output) -> Result<(), Failure> {
    let path = &arguments.file;
    let pex = open(path, env)?;
    let size = path.metadata().ok().filter(|_| pex.layout() == PexLayout::Zipapp);
    let bytes = size.map(|metadata| metadata.len());
    let report = Report { pex: &pex, path: path.display().to_string(), bytes };
    output.result(&report.as_text(), &report.as_json())
}

/// Opens a PEX file of the command line.
pub(crate) fn open(path: &Path, env: &Env) -> Result<Pex, Failure> {
    let opened = Pex::open(&env.folder.join(path));
    opened.map_err(|error| Failure::job(format!("cannot read `{}`: {error}", path.display())))
}

/// Lists the interpreters that the file has bytecode for.
fn bytecode(info: &PexInfo) -> String {
    let own = info.pinnace.iter().flat_map(|own| own.bytecode.values());
    let pythons: BTreeSet<&str> = own.map(|bytecode| bytecode.python.as_str()).collect();
    pythons.into_iter().collect::<Vec<_>>().join(", ")
}

/// The report on a PEX file.
struct Report<'a> {
    pex: &'a Pex,
    path: String,
    /// The size of a file; a folder has none.
    bytes: Option<u64>,
}

impl Report<'_> {
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
            let names: Vec<&str> =
                own.platforms.iter().map(|platform| platform.name.as_str()).collect();
            line("platform", &names.join(", "));
        }
        line("shebang", pex.shebang());
        let runs = info.entry_point.as_ref().or(info.script.as_ref());
        line("entry point", runs.map_or("none (interpreter)", String::as_str));
        line("constraints", &info.interpreter_constraints.join(" or "));
        line("pex path", &info.pex_path);
        line("inherit path", if info.inherit_path == "false" { "" } else { &info.inherit_path });
        line("variables", &info.inject_env.keys().cloned().collect::<Vec<_>>().join(", "));
        line("arguments", &info.inject_args.join(" "));
        line("bytecode", &bytecode(info));
        line("errors", if info.ignore_errors { "ignored at the start" } else { "" });
        line("tools", if info.includes_tools { "PEX_TOOLS=1" } else { "" });
        line("key", &info.pex_hash);
        line("requirements", &info.requirements.join(", "));
        let mut wheels = pex.distributions().iter();
        let is_installed = wheels.any(|wheel| wheel.form() == WheelForm::Installed);
        let form = if is_installed { ", installed" } else { "" };
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
