use pinnace_archive::{Archive, Policy};
use pinnace_test::{Folder, Wheel, tree};

fn member(wheel: &[u8], path: &str) -> String {
    let archive = Archive::open(wheel, Policy::strict()).unwrap();
    String::from_utf8(archive.read(archive.find(path).unwrap()).unwrap()).unwrap()
}

#[test]
fn dist_info_is_generated() {
    let wheel = Wheel::new("my-app", "1.0")
        .tag("2-py2.py3-none-any")
        .requires("voice>=1")
        .header("Requires-Python", ">=3.8")
        .file("empty.py", "")
        .file("my_app-1.0.data/scripts/tool", "#!python\n")
        .console_script("a", "x:a")
        .console_script("b", "x:b");
    assert_eq!((wheel.project().as_str(), wheel.metadata().lines().count()), ("my-app", 5));
    let bytes = wheel.bytes();
    let archive = Archive::open(bytes.as_slice(), Policy::strict()).unwrap();
    assert!(archive.find("my_app-1.0.data/scripts/tool").unwrap().is_executable());
    assert_eq!(
        member(&bytes, "my_app-1.0.dist-info/METADATA"),
        "Metadata-Version: 2.1\nName: my-app\nVersion: 1.0\nRequires-Dist: voice>=1\nRequires-Python: >=3.8\n"
    );
    let text = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py2-none-any\nTag: py3-none-any\nBuild: 2\n";
    assert_eq!(member(&bytes, "my_app-1.0.dist-info/WHEEL"), text);
    assert_eq!(
        member(&bytes, "my_app-1.0.dist-info/entry_points.txt"),
        "[console_scripts]\na = x:a\nb = x:b\n"
    );
    let record = member(&bytes, "my_app-1.0.dist-info/RECORD");
    // The digest of nothing, as pip writes it.
    let empty = "empty.py,sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0\n";
    assert!(record.starts_with(empty), "{record}");
    assert!(record.ends_with("\nmy_app-1.0.dist-info/RECORD,,\n"), "{record}");
    assert_eq!(record.lines().count(), 6);
}

#[test]
fn a_given_file_takes_the_place_of_a_generated_one() {
    let wheel = Wheel::new("a", "1").file("{info}/RECORD", "nonsense").file("{info}/METADATA", "");
    assert_eq!(member(&wheel.bytes(), "a-1.dist-info/RECORD"), "nonsense");
    assert_eq!(member(&wheel.bytes(), "a-1.dist-info/METADATA"), "");
    let folder = Folder::new();
    let path = wheel.write_to(&folder.join("links"));
    assert!(path.is_file());
    assert_eq!(tree(folder.path()), ["links/a-1-py3-none-any.whl"]);
}
