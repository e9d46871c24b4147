//! Turning the state of a builder into the members of a file or a folder.

use std::collections::BTreeMap;

use pinnace_archive::Mode;

use crate::{
    Error, OwnInfo, PexBuilder, PexInfo, WheelFiles, WheelForm,
    builder::Source,
    chroot,
    compile::Check,
    flat,
    info::FORMAT,
    member::{Member, Members, digest, insert},
    runtime::hex,
    stored_zip::stored_zip,
    wheels,
};

/// The container that the members are written to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Shape {
    File,
    Packed,
    Loose,
}

impl PexBuilder {
    /// Returns all members and their key. The key covers every member except `__main__.py`, which
    /// carries it, and all of `PEX-INFO` except the key itself.
    pub(crate) fn members(
        &self,
        wheels: &dyn WheelFiles,
        shape: Shape,
    ) -> Result<(Members, [u8; 32]), Error> {
        let mut members = self.code()?;
        let code_hash = digest(members.iter());
        self.add_boot_code(&mut members, shape)?;
        let distributions = self.add_distributions(&mut members, wheels, shape)?;
        let mut info = self.completed(distributions, &code_hash);
        let without_key = Member::Bytes(info.encode()?);
        insert(&mut members, "PEX-INFO", Mode::File, without_key)?;
        let key = digest(members.iter());
        info.pex_hash = hex(&key);
        insert(&mut members, "PEX-INFO", Mode::File, Member::Bytes(info.encode()?))?;
        let mut main = self.runtime.main_module(&key, &info);
        if shape != Shape::File {
            let python = self.interpreters().into_iter().next();
            let line = format!("#!/usr/bin/env {}\n", python.as_deref().unwrap_or("python3"));
            main.splice(..0, self.line.clone().unwrap_or(line).into_bytes());
        }
        insert(&mut members, "__main__.py", Mode::Executable, Member::Bytes(main))?;
        Ok((members, key))
    }

    /// Returns the user code, with its bytecode if a compiler is set.
    fn code(&self) -> Result<Members, Error> {
        let mut members = Members::new();
        for (path, (mode, source)) in &self.files {
            let member = match source {
                Source::Bytes(bytes) => Member::Bytes(bytes.clone()),
                Source::File(file) => Member::measure(file.clone())?,
                Source::Known(file, sha256) => Member::File { file: file.clone(), sha256: *sha256 },
            };
            insert(&mut members, path, *mode, member)?;
        }
        let Some(compiler) = &self.compiler else { return Ok(members) };
        let modules = members.iter().filter(|(path, _)| path.as_str().ends_with(".py"));
        let modules: Vec<_> = modules
            .map(|(path, (_, member))| Ok((path.as_str(), member.bytes()?)))
            .collect::<Result<_, Error>>()?;
        let zip = stored_zip(modules)?;
        for (path, bytes) in compiler.modules(&zip, Check::Source)? {
            insert(&mut members, &path, Mode::File, Member::Bytes(bytes))?;
        }
        Ok(members)
    }

    fn add_boot_code(&self, members: &mut Members, shape: Shape) -> Result<(), Error> {
        let tools = self.runtime.tools().filter(|_| self.info.includes_tools);
        let mut files: Vec<(&str, &[u8])> = self.runtime.bootstrap().chain(tools).collect();
        files.sort();
        if shape == Shape::Packed {
            let zip = stored_zip(files)?;
            insert(members, ".bootstrap", Mode::File, Member::Bytes(zip))?;
        } else {
            for (name, code) in files {
                let path = format!(".bootstrap/{name}");
                insert(members, &path, Mode::File, Member::Code(code.to_vec()))?;
            }
        }
        let import = Member::Bytes(self.runtime.import().to_vec());
        insert(members, "__pex__/__init__.py", Mode::File, import)
    }

    /// Adds the distributions, and returns their digests for `PEX-INFO`.
    fn add_distributions(
        &self,
        members: &mut Members,
        wheels: &dyn WheelFiles,
        shape: Shape,
    ) -> Result<BTreeMap<String, String>, Error> {
        let mut distributions = BTreeMap::new();
        for (name, sha256) in &self.wheels {
            let path = format!(".deps/{name}");
            let digest = match (self.form, shape) {
                (WheelForm::Whole, _) => {
                    let member = Member::Wheel { name: name.clone(), sha256: *sha256 };
                    insert(members, &path, Mode::File, member)?;
                    *sha256
                }
                (WheelForm::Installed, shape) => {
                    let zip = wheels::open(wheels, name, sha256)?;
                    let chroot = chroot::install(name, sha256, &zip)?;
                    match shape {
                        Shape::Packed => {
                            let packed = Member::Archive(chroot::zip(&chroot, wheels)?);
                            insert(members, &path, Mode::File, packed)?;
                        }
                        Shape::File | Shape::Loose => {
                            for (file, (mode, member)) in chroot.files {
                                insert(members, &format!("{path}/{file}"), mode, member)?;
                            }
                        }
                    }
                    chroot.digest
                }
            };
            distributions.insert(name.clone(), hex(&digest));
            if let Some(bytecode) = self.bytecode.get(name) {
                let path = format!("{path}.{}.zip", bytecode.info.python);
                let member = Member::Archive(bytecode.bytes.clone());
                insert(members, &path, Mode::File, member)?;
            }
        }
        Ok(distributions)
    }

    pub(crate) fn flat(&self, wheels: &dyn WheelFiles) -> Result<Members, Error> {
        let mut members = self.code()?;
        flat::lay(&mut members, self.wheels.iter(), wheels)?;
        for bytecode in self.bytecode.values() {
            flat::lay_bytecode(&mut members, &bytecode.bytes)?;
        }
        Ok(members)
    }

    /// Returns the complete `PEX-INFO`, except for the key.
    fn completed(&self, distributions: BTreeMap<String, String>, code: &[u8; 32]) -> PexInfo {
        let mut info = self.info.clone();
        info.distributions = distributions;
        info.deps_are_wheel_files = self.form == WheelForm::Whole;
        info.bootstrap_hash = hex(&self.runtime.digest());
        info.code_hash = hex(code);
        info.pex_hash = String::new();
        let bytecode = self.bytecode.iter();
        info.pinnace = Some(OwnInfo {
            format: FORMAT,
            platforms: self.platforms.clone(),
            bytecode: bytecode
                .map(|(name, bytecode)| (name.clone(), bytecode.info.clone()))
                .collect(),
        });
        info
    }
}
