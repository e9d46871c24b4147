use pinnace_store::Digest;
use pinnace_wheel::Target;

/// The cache key of a build: the same source, platform and builder give the same wheel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key<'a> {
    pub(super) sdist: Digest,
    pub(super) target: &'a Target,
    pub(super) builder: &'a str,
}

impl Key<'_> {
    /// Returns the key as hexadecimal digits.
    pub(super) fn to_hex(self) -> String {
        let text = format!("built 1\n{}\n{}\n{}", self.sdist, self.target, self.builder);
        Digest::of(text).to_hex()
    }
}
