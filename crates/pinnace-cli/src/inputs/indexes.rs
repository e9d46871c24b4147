//! Which indexes a project says that it comes from.

use pinnace_wheel::{Address, Pyproject};

use super::Wanted;
use crate::{Failure, environment::Environment};

impl Wanted {
    /// The indexes of `[[tool.uv.index]]` that are asked for all projects.
    pub(super) fn take_indexes(
        &mut self,
        project: &Pyproject,
        environment: &Environment,
    ) -> Result<(), Failure> {
        for one in project.indexes()?.iter().filter(|one| !one.explicit) {
            let address = with_credentials(&one.address, one.name.as_deref(), environment);
            match one.default {
                true => self.index.index = self.index.index.take().or(Some(address)),
                false => self.index.extra.push(address),
            }
        }
        Ok(())
    }

    /// Which project comes from which index. Of two projects that say so the first one counts.
    pub(super) fn take_routes(
        &mut self,
        project: &Pyproject,
        environment: &Environment,
    ) -> Result<(), Failure> {
        let indexes = project.indexes()?;
        for (name, index) in project.routes()? {
            let named = indexes.iter().find(|one| one.name.as_deref() == Some(index.as_str()));
            let named = named.ok_or_else(|| {
                Failure::job(format!("`{name}` is to come from the index `{index}`, which `[[tool.uv.index]]` does not have"))
            })?;
            let address = with_credentials(&named.address, named.name.as_deref(), environment);
            self.routes.entry(name).or_insert(address);
        }
        Ok(())
    }
}

/// `UV_INDEX_NAME_USERNAME` and `…_PASSWORD` are the credentials of the index `name`.
fn with_credentials(address: &Address, name: Option<&str>, environment: &Environment) -> Address {
    let Some(name) = name else { return address.clone() };
    let in_a_name = |symbol: char| match symbol.is_ascii_alphanumeric() {
        true => symbol.to_ascii_uppercase(),
        false => '_',
    };
    let name: String = name.chars().map(in_a_name).collect();
    let variable = |what: &str| environment.variable(&format!("UV_INDEX_{name}_{what}"));
    match (variable("USERNAME"), variable("PASSWORD")) {
        (None, None) => address.clone(),
        (user, password) => {
            address.with_userinfo(user.unwrap_or_default(), password.unwrap_or_default())
        }
    }
}
