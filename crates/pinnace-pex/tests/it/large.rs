//! Item 28: more members than a zip without zip64 can hold.

use std::process::Command;

use pinnace_test::Ran;

use crate::fixture::Fixture;

#[test]
fn item_28_a_file_of_very_many_members_starts_by_its_name_on_every_python() {
    let mut fixture =
        Fixture::new().code("app.py", "import m.m65535\nprint('many')\n").entry("app");
    for n in 0..65_536 {
        fixture.builder.add_bytes(&format!("m/m{n}.py"), b"").unwrap();
    }
    let (path, written) = fixture.write();
    assert!(written.is_large);
    let mut command = Command::new(path);
    command.env("PEX_ROOT", fixture.cache());
    assert_eq!(Ran::command(&mut command).ok(), "many\n");
    let (_, small) = Fixture::new().write();
    assert!(!small.is_large);
}
