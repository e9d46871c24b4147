//! Resolves over projects in memory, and explains a conflict.
//!
//! ```text
//! cargo run -p pinnace-wheel --example in_memory
//! ```
#![expect(clippy::print_stdout, reason = "it is an example")]

use pinnace_wheel::{MemorySource, Outcome, Request, Target, resolve};

fn main() -> Result<(), pinnace_wheel::Error> {
    let mut source = MemorySource::new();
    source.add("web-3.0-py3-none-any.whl", &["template>=2", "json; extra == 'fast'"])?;
    source.add("web-2.0-py3-none-any.whl", &["template>=1"])?;
    source.add("template-2.1-py3-none-any.whl", &[])?;
    source.add("template-1.9-py3-none-any.whl", &[])?;
    source.add("json-1.0-cp312-cp312-manylinux_2_17_x86_64.whl", &[])?;

    let target: Target = "linux_x86_64-cp312".parse()?;
    for texts in [vec!["web[fast]"], vec!["web", "template<2"], vec!["web>=3", "template<2"]] {
        let request = texts.iter().try_fold(Request::default(), |request, text| {
            Ok::<_, pinnace_wheel::Error>(request.require(text.parse()?, Some("the example")))
        })?;
        println!("{}:", texts.join(", "));
        match resolve(&source, &request, &target)? {
            Outcome::Solved(resolution) => {
                let pins = resolution.pins().iter();
                pins.for_each(|pin| println!("  {} {}", pin.project(), pin.version()));
            }
            Outcome::Unsolvable(why) => println!("{why}"),
        }
    }
    Ok(())
}
