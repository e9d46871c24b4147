//! The signals that stop a process.

use std::{fmt, str::FromStr};

/// A signal that asks a process to stop (POSIX, `signal.h`).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Signal {
    /// SIGHUP.
    Hangup,
    /// SIGINT.
    Interrupt,
    /// SIGQUIT.
    Quit,
    /// SIGTERM.
    #[default]
    Terminate,
    /// SIGUSR1.
    User1,
    /// SIGUSR2.
    User2,
    /// SIGWINCH.
    WindowChange,
}

impl Signal {
    /// All signals, in order of their names.
    pub const ALL: [Self; 7] = [
        Self::Hangup,
        Self::Interrupt,
        Self::Quit,
        Self::Terminate,
        Self::User1,
        Self::User2,
        Self::WindowChange,
    ];

    /// Returns the name without `SIG`.
    ///
    /// ```
    /// use pinnace_build::Signal;
    ///
    /// assert_eq!("sigterm".parse(), Ok(Signal::Terminate));
    /// assert_eq!(Signal::Terminate.name(), "TERM");
    /// ```
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hangup => "HUP",
            Self::Interrupt => "INT",
            Self::Quit => "QUIT",
            Self::Terminate => "TERM",
            Self::User1 => "USR1",
            Self::User2 => "USR2",
            Self::WindowChange => "WINCH",
        }
    }
}

impl FromStr for Signal {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.to_uppercase();
        let name = name.strip_prefix("SIG").unwrap_or(&name);
        Self::ALL.into_iter().find(|signal| signal.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("`{text}` is not one of the signals {names}")
        })
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
