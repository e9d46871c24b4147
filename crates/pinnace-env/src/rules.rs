/// What merging must know about the platform and about requirements.
pub trait Rules {
    /// Whether a wheel of that file name fits the platform.
    fn fits(&self, file_name: &str) -> bool;

    /// Whether the platform's Python is one that these specifiers allow.
    fn is_python(&self, specifiers: &str) -> bool {
        let _ = specifiers;
        true
    }

    /// What a requirement asks for on the platform, with these extras of its owner asked for;
    /// `None` if its marker does not hold.
    ///
    /// # Errors
    ///
    /// Why the requirement cannot be understood.
    fn need(&self, requirement: &str, extras: &[String]) -> Result<Option<Need>, String>;
}

/// A requirement that applies: which project, and what its version must satisfy.
#[expect(missing_debug_implementations, reason = "it holds a function")]
pub struct Need {
    /// The normalised name of the project.
    pub project: String,
    /// Which of its extras are asked for.
    pub extras: Vec<String>,
    /// Whether a version will do.
    pub accepts: Box<dyn Fn(&str) -> bool>,
}

/// Everything fits, and nothing is required.
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
