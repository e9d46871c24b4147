//! Systems that binaries are built for, and the tags that each accepts.

use std::{fmt, str::FromStr};

use crate::Error;

/// A system that binaries are built for.
///
/// It is parsed from the platform tag of a wheel (PEP 425, 600, 656) or from a platform name of uv:
/// `manylinux_2_28_x86_64` and `x86_64-manylinux_2_28` are equal.
///
/// ```
/// use pinnace_wheel::Platform;
///
/// let platform: Platform = "manylinux2014_x86_64".parse()?;
/// assert_eq!(platform, "x86_64-manylinux_2_17".parse()?);
/// assert_eq!(platform.to_string(), "manylinux_2_17_x86_64");
/// assert_eq!(platform.tags().len(), 17);
/// # Ok::<(), pinnace_wheel::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Platform {
    /// Linux. Its C library decides which binary wheels it can load.
    Linux {
        /// The machine, spelled as in tags: `x86_64`.
        architecture: Box<str>,
        /// The C library.
        libc: Libc,
    },
    /// macOS.
    MacOs {
        /// The major version, `14` of 14.2.
        major: u32,
        /// The minor version, `2` of 14.2. Tags from 11 on have only major versions.
        minor: u32,
        /// The machine, `arm64` or `x86_64`.
        architecture: Box<str>,
    },
    /// Windows. Its tags have no version.
    Windows(WindowsArchitecture),
    /// iOS (PEP 730).
    Ios {
        /// The major version, `17` of 17.2.
        major: u32,
        /// The minor version, `2` of 17.2.
        minor: u32,
        /// The machine and kind of device, spelled as in tags: `arm64_iphoneos`.
        multiarch: Box<str>,
    },
    /// Android (PEP 738).
    Android {
        /// The API level.
        api: u32,
        /// The ABI, spelled as in tags: `arm64_v8a`.
        abi: Box<str>,
    },
}

/// A processor architecture that Windows runs on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WindowsArchitecture {
    /// 64-bit Intel and AMD.
    Amd64,
    /// 32-bit.
    X86,
    /// 64-bit ARM.
    Arm64,
}

/// The C library of a Linux system.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Libc {
    /// GNU (PEP 600).
    Glibc {
        /// The major version, `2` of 2.36.
        major: u32,
        /// The minor version, `36` of 2.36.
        minor: u32,
    },
    /// musl (PEP 656).
    Musl {
        /// The major version, `1` of 1.2.
        major: u32,
        /// The minor version, `2` of 1.2.
        minor: u32,
    },
}

impl Libc {
    /// The C library that is assumed if a platform names only Linux: the oldest that current wheels
    /// of large projects still support.
    pub(super) const ASSUMED: Self = Self::Glibc { major: 2, minor: 28 };
}

/// The macOS version that is assumed if only an architecture is given, as in uv.
const MACOS: (u32, u32) = (13, 0);
const IOS: (u32, u32) = (13, 0);
const ANDROID: u32 = 24;

/// The names of numbered tags from before PEP 600. The older two exist only for Intel machines, and
/// only the lists of those machines go down that far.
const LEGACY: [(u32, &str); 3] = [(17, "manylinux2014"), (12, "manylinux2010"), (5, "manylinux1")];

impl Platform {
    /// Returns the accepted platform tags, best first.
    pub fn tags(&self) -> Vec<String> {
        match self {
            Self::Linux { architecture, libc } => linux(architecture, *libc),
            Self::MacOs { major, minor, architecture } => macos(*major, *minor, architecture),
            Self::Windows(architecture) => vec![windows_tag(*architecture).to_owned()],
            Self::Ios { major, minor, multiarch } => ios(*major, *minor, multiarch),
            Self::Android { api, abi } => {
                (16..=*api).rev().map(|api| format!("android_{api}_{abi}")).collect()
            }
        }
    }

    /// Returns true if the text leaves something open, so that parsing assumes a value.
    pub(super) fn assumed(text: &str) -> bool {
        let tag = text.replace(['-', '.'], "_");
        tag.starts_with("linux")
            || !tag.contains("linux") && tag.contains("apple")
            || ["macos", "macos_arm64"].contains(&tag.as_str())
            || tag.ends_with("linux_gnu")
            || tag.ends_with("linux_musl")
            || tag.ends_with("unknown_linux")
            || tag.ends_with("linux_android")
    }
}

impl FromStr for Platform {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        of_tag(&text.replace(['-', '.'], "_")).or_else(|| of_triple(text)).ok_or_else(|| {
            let reason = "expected a platform tag such as `manylinux_2_28_x86_64`, \
                `musllinux_1_2_aarch64`, `macosx_14_0_arm64` or `win_amd64`, or a name such as \
                `x86_64-manylinux_2_28` or `aarch64-apple-darwin`";
            Error::parse("platform", text, reason)
        })
    }
}

/// Writes the best tag that describes the platform completely.
impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Linux { architecture, libc: Libc::Glibc { major, minor } } => {
                write!(f, "manylinux_{major}_{minor}_{architecture}")
            }
            Self::Linux { architecture, libc: Libc::Musl { major, minor } } => {
                write!(f, "musllinux_{major}_{minor}_{architecture}")
            }
            Self::MacOs { major, minor, architecture } => {
                write!(f, "macosx_{major}_{minor}_{architecture}")
            }
            Self::Windows(architecture) => f.write_str(windows_tag(*architecture)),
            Self::Ios { major, minor, multiarch } => write!(f, "ios_{major}_{minor}_{multiarch}"),
            Self::Android { api, abi } => write!(f, "android_{api}_{abi}"),
        }
    }
}

fn windows_tag(architecture: WindowsArchitecture) -> &'static str {
    match architecture {
        WindowsArchitecture::Amd64 => "win_amd64",
        WindowsArchitecture::X86 => "win32",
        WindowsArchitecture::Arm64 => "win_arm64",
    }
}

/// Returns the tags of a Linux system. `linux_*` comes first, as in `packaging` 26.3. A 64-bit ARM
/// kernel with 32-bit programs (`armv8l`) also runs programs for `armv7l`.
fn linux(architecture: &str, libc: Libc) -> Vec<String> {
    let machines: &[&str] =
        if architecture == "armv8l" { &["armv8l", "armv7l"] } else { &[architecture] };
    let mut tags: Vec<String> = machines.iter().map(|machine| format!("linux_{machine}")).collect();
    for machine in machines {
        match libc {
            Libc::Glibc { major, minor } => manylinux(machine, major, minor, &mut tags),
            Libc::Musl { major, minor } => tags.extend(
                (0..=minor).rev().map(|minor| format!("musllinux_{major}_{minor}_{machine}")),
            ),
        }
    }
    tags
}

/// Adds the manylinux tags, newest first. A legacy name follows directly after its number (PEP
/// 600).
fn manylinux(machine: &str, major: u32, minor: u32, tags: &mut Vec<String>) {
    let oldest = if matches!(machine, "x86_64" | "i686") { 5 } else { 17 };
    for minor in (oldest..=minor).rev() {
        tags.push(format!("manylinux_{major}_{minor}_{machine}"));
        let legacy = LEGACY.iter().filter(|(number, _)| (major, minor) == (2, *number));
        tags.extend(legacy.map(|(_, name)| format!("{name}_{machine}")));
    }
}

/// Returns the tags of a macOS system. From 11 on, tags have the minor version 0. These systems
/// also run programs for 10.x, on ARM only universal ones.
fn macos(major: u32, minor: u32, architecture: &str) -> Vec<String> {
    let mut tags = Vec::new();
    for major in (11..=major).rev() {
        tags.extend(
            formats(architecture).iter().map(|format| format!("macosx_{major}_0_{format}")),
        );
    }
    let newest = if major >= 11 { 16 } else { minor };
    let old: &[&str] =
        if architecture == "arm64" { &["universal2"] } else { formats(architecture) };
    for minor in (4..=newest).rev() {
        tags.extend(old.iter().map(|format| format!("macosx_10_{minor}_{format}")));
    }
    tags
}

fn formats(architecture: &str) -> &'static [&'static str] {
    match architecture {
        "arm64" => &["arm64", "universal2"],
        "x86_64" => &["x86_64", "intel", "fat64", "fat3", "universal2", "universal"],
        _ => &[],
    }
}

/// Returns the tags of an iOS system, down to 12.0, the first version that Python ran on.
fn ios(major: u32, minor: u32, multiarch: &str) -> Vec<String> {
    let minors = |number: u32| if number == major { minor } else { 9 };
    let versions = (12..=major).rev().flat_map(|major| {
        (0..=minors(major)).rev().map(move |minor| format!("ios_{major}_{minor}_{multiarch}"))
    });
    versions.collect()
}

fn of_tag(tag: &str) -> Option<Platform> {
    for (number, name) in LEGACY {
        if let Some(architecture) = tag.strip_prefix(name).and_then(|rest| rest.strip_prefix('_')) {
            return linux_of(architecture, Libc::Glibc { major: 2, minor: number });
        }
    }
    if let Some((major, minor, architecture)) = numbered(tag.strip_prefix("manylinux_")) {
        return linux_of(architecture, Libc::Glibc { major, minor });
    }
    if let Some((major, minor, architecture)) = numbered(tag.strip_prefix("musllinux_")) {
        return linux_of(architecture, Libc::Musl { major, minor });
    }
    if let Some((major, minor, architecture)) = numbered(tag.strip_prefix("macosx_")) {
        let known = (10..=99).contains(&major) && minor <= 99 && !formats(architecture).is_empty();
        let architecture = architecture.into();
        return known.then_some(Platform::MacOs { major, minor, architecture });
    }
    if let Some((major, minor, multiarch)) = numbered(tag.strip_prefix("ios_")) {
        let known = (12..=99).contains(&major) && minor <= 9 && IOS_MACHINES.contains(&multiarch);
        return known.then(|| Platform::Ios { major, minor, multiarch: multiarch.into() });
    }
    if let Some((api, abi)) = tag.strip_prefix("android_").and_then(|rest| rest.split_once('_')) {
        let api = api.parse().ok().filter(|api| (16..=99).contains(api))?;
        return ANDROID_MACHINES.contains(&abi).then(|| Platform::Android { api, abi: abi.into() });
    }
    match tag {
        "win_amd64" => Some(Platform::Windows(WindowsArchitecture::Amd64)),
        "win32" => Some(Platform::Windows(WindowsArchitecture::X86)),
        "win_arm64" => Some(Platform::Windows(WindowsArchitecture::Arm64)),
        _ => linux_of(tag.strip_prefix("linux_")?, Libc::ASSUMED),
    }
}

/// Splits `2_28_x86_64` into its parts.
fn numbered(text: Option<&str>) -> Option<(u32, u32, &str)> {
    let (major, rest) = text?.split_once('_')?;
    let (minor, rest) = rest.split_once('_')?;
    Some((major.parse().ok()?, minor.parse().ok()?, rest))
}

/// The machines of iOS tags (PEP 730, "Packaging").
const IOS_MACHINES: [&str; 3] =
    ["arm64_iphoneos", "arm64_iphonesimulator", "x86_64_iphonesimulator"];

/// The machines of Android tags (PEP 738, "Wheels").
const ANDROID_MACHINES: [&str; 4] = ["arm64_v8a", "armeabi_v7a", "x86", "x86_64"];

const MACHINES: [&str; 11] = [
    "x86_64",
    "i686",
    "aarch64",
    "armv7l",
    "armv8l",
    "ppc64le",
    "ppc64",
    "s390x",
    "riscv64",
    "loongarch64",
    "armv6l",
];

fn linux_of(architecture: &str, libc: Libc) -> Option<Platform> {
    let (Libc::Glibc { minor, .. } | Libc::Musl { minor, .. }) = libc;
    // The version is limited, because a list of tags is generated from it.
    let known = MACHINES.contains(&architecture) && minor <= 999;
    known.then(|| Platform::Linux { architecture: architecture.into(), libc })
}

/// Parses a platform name of uv: a Rust target triple or one of uv's own names.
fn of_triple(text: &str) -> Option<Platform> {
    let macos = |architecture: &str| {
        let (major, minor) = MACOS;
        Platform::MacOs { major, minor, architecture: architecture.into() }
    };
    let ios = |multiarch: &str| {
        let (major, minor) = IOS;
        Platform::Ios { major, minor, multiarch: multiarch.into() }
    };
    let android = |abi: &str| Platform::Android { api: ANDROID, abi: abi.into() };
    Some(match text {
        "linux" => return linux_of("x86_64", Libc::ASSUMED),
        "macos" | "aarch64-apple-darwin" | "arm64-apple-darwin" => macos("arm64"),
        "x86_64-apple-darwin" => macos("x86_64"),
        "windows" | "x86_64-pc-windows-msvc" => Platform::Windows(WindowsArchitecture::Amd64),
        "i686-pc-windows-msvc" => Platform::Windows(WindowsArchitecture::X86),
        "aarch64-pc-windows-msvc" => Platform::Windows(WindowsArchitecture::Arm64),
        "arm64-apple-ios" => ios("arm64_iphoneos"),
        "arm64-apple-ios-simulator" => ios("arm64_iphonesimulator"),
        "x86_64-apple-ios-simulator" => ios("x86_64_iphonesimulator"),
        "aarch64-linux-android" => android("arm64_v8a"),
        "x86_64-linux-android" => android("x86_64"),
        _ => {
            let (architecture, system) = text.split_once('-')?;
            match system {
                "unknown-linux-gnu" | "unknown-linux" => {
                    return linux_of(architecture, Libc::ASSUMED);
                }
                "unknown-linux-musl" => {
                    return linux_of(architecture, Libc::Musl { major: 1, minor: 2 });
                }
                // `x86_64-manylinux_2_28`
                _ => return of_tag(&format!("{system}_{architecture}")),
            }
        }
    })
}
