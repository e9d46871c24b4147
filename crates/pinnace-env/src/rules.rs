/// The caller's knowledge about the platform and about requirements.
pub trait Rules {
    /// Returns true if a wheel with this file name fits the platform.
    fn fits(&self, file_name: &str) -> bool;

    /// Returns true if the specifiers allow the platform's Python.
    fn is_python(&self, specifiers: &str) -> bool {
        let _ = specifiers;
        true
    }

    /// Parses a requirement and evaluates it on the platform. `extras` are the requested extras of
    /// the distribution that has the requirement. Returns `None` if its marker does not hold.
    ///
    /// # Errors
    ///
    /// Returns the reason why the requirement cannot be parsed.
    fn need(&self, requirement: &str, extras: &[String]) -> Result<Option<Need>, String>;
}

/// A requirement that applies: a project, its extras, and the versions that satisfy it.
#[expect(missing_debug_implementations, reason = "it holds a function")]
pub struct Need {
    /// The normalised name of the project.
    pub project: String,
    /// The requested extras of the project.
    pub extras: Vec<String>,
    /// A predicate that returns true if a version satisfies the requirement.
    pub accepts: Box<dyn Fn(&str) -> bool>,
}

/// Rules by which every wheel fits, and nothing is required.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRules;

impl Rules for NoRules {
    fn fits(&self, _file_name: &str) -> bool {
        true
    }

    fn need(&self, _requirement: &str, _extras: &[String]) -> Result<Option<Need>, String> {
        Ok(None)
    }
}
