//! Platform tags of Linux systems, best first: PEP 600 (manylinux) and PEP 656 (musllinux).

use crate::Libc;

/// The names that numbered tags had before PEP 600, and the machines that they exist for.
const LEGACY: [(u32, &str, &[&str]); 3] = [
    (17, "manylinux2014", &["x86_64", "i686", "aarch64", "armv7l", "ppc64", "ppc64le", "s390x"]),
    (12, "manylinux2010", &["x86_64", "i686"]),
    (5, "manylinux1", &["x86_64", "i686"]),
];

pub(crate) fn platforms(machine: &str, libc: Libc) -> Vec<String> {
    let mut platforms = vec![format!("linux_{machine}")];
    match libc {
        Libc::Glibc { major, minor } => manylinux(machine, major, minor, &mut platforms),
        Libc::Musl { major, minor } => platforms
            .extend((0..=minor).rev().map(|minor| format!("musllinux_{major}_{minor}_{machine}"))),
    }
    platforms
}

/// A legacy name stands right after its number.
fn manylinux(machine: &str, major: u32, minor: u32, platforms: &mut Vec<String>) {
    let oldest = if matches!(machine, "x86_64" | "i686") { 5 } else { 17 };
    for minor in (oldest..=minor).rev() {
        platforms.push(format!("manylinux_{major}_{minor}_{machine}"));
        let legacy = LEGACY.iter().filter(|(number, _, machines)| {
            (major, minor) == (2, *number) && machines.contains(&machine)
        });
        platforms.extend(legacy.map(|(_, name, _)| format!("{name}_{machine}")));
    }
}
