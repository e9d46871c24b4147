//! The install schemes of wheel members (binary distribution format, "The .data directory").

/// The install schemes of an installer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scheme {
    /// The folder from which modules are imported.
    Library,
    /// The folder for programs.
    Scripts,
    /// The folder for C headers.
    Headers,
    /// The root of the installation.
    Data,
}

/// Returns the scheme of a member and its path there, or `None` for an unknown kind of `.data`.
pub(crate) fn place(member: &str) -> Option<(Scheme, &str)> {
    let in_data = member.split_once('/').filter(|(folder, _)| folder.ends_with(".data"));
    let Some((_, rest)) = in_data else { return Some((Scheme::Library, member)) };
    let (kind, path) = rest.split_once('/')?;
    let scheme = match kind {
        "purelib" | "platlib" => Scheme::Library,
        "scripts" => Scheme::Scripts,
        "headers" => Scheme::Headers,
        "data" => Scheme::Data,
        _ => return None,
    };
    Some((scheme, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_go_where_their_kind_says() {
        for (member, expected) in [
            ("a/b.py", Some((Scheme::Library, "a/b.py"))),
            ("a-1.data/purelib/x.py", Some((Scheme::Library, "x.py"))),
            ("a-1.data/scripts/run", Some((Scheme::Scripts, "run"))),
            ("a-1.data/data/etc/c", Some((Scheme::Data, "etc/c"))),
            ("a-1.data/headers/a.h", Some((Scheme::Headers, "a.h"))),
            ("a-1.data/other/x", None),
        ] {
            assert_eq!(place(member), expected, "{member}");
        }
    }
}
