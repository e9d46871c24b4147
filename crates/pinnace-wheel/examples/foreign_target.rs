//! Ranks wheels for platforms other than this machine, and shows the nearest misses.
//!
//! ```text
//! cargo run -p pinnace-wheel --example foreign_target -- win_amd64-cp312 macosx_14_0_arm64-cp313t
//! ```
#![expect(clippy::print_stdout, reason = "it is an example")]

use pinnace_wheel::{Compatibility, MarkerVariable, Target, WheelName};

const WHEELS: [&str; 6] = [
    "native-1-cp312-cp312-manylinux_2_28_x86_64.whl",
    "native-1-cp312-cp312-musllinux_1_2_x86_64.whl",
    "native-1-cp312-cp312-win_amd64.whl",
    "native-1-cp313-cp313t-macosx_11_0_arm64.whl",
    "native-1-cp38-abi3-macosx_10_9_universal2.whl",
    "native-1-py3-none-any.whl",
];

fn main() -> Result<(), pinnace_wheel::Error> {
    let mut platforms: Vec<String> = std::env::args().skip(1).collect();
    if platforms.is_empty() {
        let some = ["linux_x86_64-cp312", "win_amd64-cp312", "macosx_14_0_arm64-cp313t"];
        platforms = some.map(str::to_owned).into();
    }
    for text in platforms {
        let target: Target = text.parse()?;
        let system = target.markers().get(MarkerVariable::PlatformSystem).unwrap_or("unknown");
        println!("{target} ({system}, {} tags)", target.tags().iter().count());
        target.assumptions().iter().for_each(|assumed| println!("  assumed: {assumed}"));
        for wheel in WHEELS {
            match target.rank(&wheel.parse::<WheelName>()?) {
                Compatibility::Compatible(rank) => println!("  fits at {rank:4}: {wheel}"),
                Compatibility::Incompatible(misfit) => println!("  {misfit}: {wheel}"),
            }
        }
    }
    Ok(())
}
