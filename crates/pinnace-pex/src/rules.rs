use pinnace_env::{Need, Rules};
use pinnace_wheel::{Compatibility, ExtraName, Requirement, Specifiers, Target};

/// The tag and requirement rules of the wheel crate on one platform, for the env crate.
#[derive(Clone, Copy, Debug)]
pub struct PlatformRules<'a>(pub &'a Target);

impl Rules for PlatformRules<'_> {
    fn fits(&self, file_name: &str) -> bool {
        file_name
            .parse()
            .is_ok_and(|wheel| matches!(self.0.rank(&wheel), Compatibility::Compatible(_)))
    }

    fn is_python(&self, specifiers: &str) -> bool {
        // Like installers, accept every Python if the specifier cannot be parsed.
        Specifiers::parse_lenient(specifiers)
            .map_or(true, |specifiers| specifiers.contains(self.0.python()))
    }

    fn need(&self, requirement: &str, extras: &[String]) -> Result<Option<Need>, String> {
        let requirement = Requirement::parse_lenient(requirement).map_err(|e| e.to_string())?;
        let extras: Vec<ExtraName> = extras.iter().filter_map(|extra| extra.parse().ok()).collect();
        if !requirement.applies(self.0.markers(), &extras).map_err(|e| e.to_string())? {
            return Ok(None);
        }
        let specifiers: Specifiers = requirement.specifiers().clone();
        Ok(Some(Need {
            project: requirement.name().as_str().to_owned(),
            extras: requirement.extras().iter().map(ToString::to_string).collect(),
            accepts: Box::new(move |version| {
                version.parse().is_ok_and(|version| specifiers.contains(&version))
            }),
        }))
    }
}
