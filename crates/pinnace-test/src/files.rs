use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// Writes a file, and creates the folders above it.
pub fn write(path: &Path, content: impl AsRef<[u8]>) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::File::create(path).unwrap().write_all(content.as_ref()).unwrap();
}

/// Writes a program through another process.
///
/// If this process opened the file, a child that a parallel test starts could inherit the
/// descriptor, and the kernel refuses to execute a file that is open for writing.
pub fn write_executable(path: &Path, content: &[u8]) {
    let mut shell = Command::new("sh")
        .args(["-c", r#"cat > "$0" && chmod 755 "$0""#])
        .arg(path)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    shell.stdin.take().unwrap().write_all(content).unwrap();
    assert!(shell.wait().unwrap().success());
}

/// Returns all files below a folder, sorted, as paths relative to it. Links count as files.
pub fn tree(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.is_symlink() {
                waiting.push(path);
            } else {
                found.push(path.strip_prefix(folder).unwrap().display().to_string());
            }
        }
    }
    found.sort();
    found
}
