//! Quantities as people read them: a count with its noun, a size with its unit.

use std::fmt::Display;

/// A count with its noun: `1 wheel`, `2 wheels`.
pub(crate) struct Count(pub(crate) usize, pub(crate) &'static str);

impl Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(count, noun) = self;
        write!(f, "{count} {noun}{}", if *count == 1 { "" } else { "s" })
    }
}

/// A size in bytes, in decimal units: `1.5 MB`.
pub(crate) struct Size(pub(crate) u64);

impl Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            n if n >= 1_000_000_000 => write!(f, "{:.1} GB", n as f64 / 1e9),
            n if n >= 1_000_000 => write!(f, "{:.1} MB", n as f64 / 1e6),
            n if n >= 1_000 => write!(f, "{:.1} kB", n as f64 / 1e3),
            n => write!(f, "{n} bytes"),
        }
    }
}
