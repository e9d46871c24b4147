//! Workloads, written once and measured two ways: in time (`cargo bench`) and in instructions
//! (`count`, under callgrind).

mod delay;
mod lanes;
mod load;

use std::sync::{LazyLock, OnceLock};

use pinnace_archive::{ArchivePath, Mode, Writer};
use pinnace_env::{Contents, Distribution, File, Layer, NoRules, Place, merge};
use pinnace_wheel::{
    Address, Compatibility, Libc, MemorySource, Outcome, Request, Requirement, Target, WheelName,
    fuzzing, resolve,
};

pub use delay::delayed;
pub use lanes::Lanes;
pub use load::{Answers, Connection, Load};

/// A workload with its name. It returns a value that depends on all of its work.
pub type Workload = (&'static str, fn() -> u64);

/// All workloads.
pub const WORKLOADS: [Workload; 8] = [
    ("archive/write_1000_files", write_archive),
    ("wheel/rank_1000_wheels", rank_wheels),
    ("wheel/target", make_target),
    ("wheel/resolve_100_projects", resolve_projects),
    ("wheel/resolve_taken_back", resolve_taken_back),
    ("wheel/page_2_mb", read_page),
    ("wheel/requirements_1000", parse_requirements),
    ("env/merge_10_environments", merge_environments),
];

/// Writes one thousand files of 2 kB, the median size of files in wheels.
pub fn write_archive() -> u64 {
    let content = vec![b'x'; 2048];
    let mut writer = Writer::new(std::io::sink());
    for n in 0..1000 {
        let Ok(path) = ArchivePath::parse(&format!("package/{:02}/module_{n:04}.py", n / 50))
        else {
            return 0;
        };
        if writer.bytes(&path, Mode::File, &content).is_err() {
            return 0;
        }
    }
    writer.finish().map_or(0, |(_, summary)| summary.bytes)
}

/// Parses and ranks the wheels of a page with many platforms.
pub fn rank_wheels() -> u64 {
    let Some(target) = target() else { return 0 };
    let mut fitting = 0;
    for n in 0..1000 {
        let (minor, platform) = (8 + n % 7, PLATFORMS[n % PLATFORMS.len()]);
        let name = format!("package-1.{n}-cp3{minor}-cp3{minor}-{platform}.whl");
        if let Ok(wheel) = name.parse::<WheelName>() {
            fitting += u64::from(matches!(target.rank(&wheel), Compatibility::Compatible(_)));
        }
    }
    fitting
}

const PLATFORMS: [&str; 5] = [
    "manylinux_2_17_x86_64.manylinux2014_x86_64",
    "manylinux_2_17_aarch64.manylinux2014_aarch64",
    "musllinux_1_2_x86_64",
    "macosx_11_0_arm64",
    "win_amd64",
];

/// Builds the table of about a thousand tags that a modern Linux accepts.
pub fn make_target() -> u64 {
    target().map_or(0, |target| target.tags().iter().count() as u64)
}

/// Resolves a chain of a hundred projects with ten versions each, where every newest version conflicts.
pub fn resolve_projects() -> u64 {
    let (Some(source), Some(target), Ok(request)) =
        (universe(), target(), "p0".parse::<Requirement>())
    else {
        return 0;
    };
    match resolve(&source, &Request::new([request]), &target) {
        Ok(Outcome::Solved(resolution)) => resolution.pins().len() as u64,
        _ => 0,
    }
}

fn universe() -> Option<MemorySource> {
    let mut source = MemorySource::new();
    for project in 0..100 {
        for version in 1..=10 {
            let next = format!("p{}<{}", project + 1, version.max(2));
            let requires: &[&str] = if project < 99 { &[&next] } else { &[] };
            source.add(&format!("p{project}-{version}-py3-none-any.whl"), requires).ok()?;
        }
    }
    Some(source)
}

/// Resolves two projects of which one is decided too early: three hundred versions, each pinning its own.
pub fn resolve_taken_back() -> u64 {
    let mut source = MemorySource::new();
    for version in 1..=300 {
        let pin = format!("core=={version}");
        let web = source.add(&format!("web-{version}-py3-none-any.whl"), &[&pin]).is_ok();
        let core = source.add(&format!("core-{}-py3-none-any.whl", version + 1), &[]).is_ok();
        if !(web && core) {
            return 0;
        }
    }
    let requirements = ["core", "web"].map(|name| name.parse::<Requirement>());
    let (Some(target), [Ok(core), Ok(web)]) = (target(), requirements) else { return 0 };
    match resolve(&source, &Request::new([core, web]), &target) {
        Ok(Outcome::Solved(resolution)) => 10 * resolution.pins().len() as u64,
        _ => 0,
    }
}

/// Makes a JSON page like those of large projects: 2 MB, two hundred versions with 23 files each.
pub fn read_page() -> u64 {
    static PAGE: OnceLock<String> = OnceLock::new();
    let page = PAGE.get_or_init(page);
    let (Ok(address), Ok(project)) = (Address::parse("https://h.example/simple/p/"), "p".parse())
    else {
        return 0;
    };
    let read = fuzzing::parse_page(page.as_bytes(), true, &address, &project);
    read.map_or(0, |project| project.releases().len() as u64)
}

/// Returns the number of bytes that [`read_page`] reads.
pub fn page_bytes() -> usize {
    page().len()
}

fn page() -> String {
    let mut files = Vec::new();
    for version in 0..200 {
        for file in 0..23 {
            let (minor, platform) = (8 + file % 7, PLATFORMS[file % PLATFORMS.len()]);
            let name = format!("p-1.{version}.0-cp3{minor}-cp3{minor}-{platform}.whl");
            let hash = format!("{:064x}", version * 100 + file);
            files.push(format!(
                r#"{{"core-metadata":{{"sha256":"{hash}"}},"data-dist-info-metadata":{{"sha256":"{hash}"}},"filename":"{name}","hashes":{{"sha256":"{hash}"}},"provenance":null,"requires-python":">=3.8","size":1234567,"upload-time":"2024-03-24T00:00:00.123456Z","url":"https://files.example/packages/ab/cd/{hash}/{name}","yanked":false}}"#
            ));
        }
    }
    format!(
        r#"{{"meta":{{"api-version":"1.1"}},"name":"p","files":[{}],"versions":[]}}"#,
        files.join(",")
    )
}

/// Parses requirements like those of METADATA files.
pub fn parse_requirements() -> u64 {
    const TEXTS: [&str; 5] = [
        "numpy>=1.26.0; python_version < \"3.12\"",
        "pytest>=7.3.2; extra == \"test\"",
        "importlib-metadata>=3.6; python_version < \"3.10\" and extra == 'all'",
        "requests[socks] (>=2.8.1,!=2.9.*,<3)",
        "tzdata>=2022.7",
    ];
    let parsed = TEXTS.iter().cycle().take(1000);
    parsed.filter(|text| Requirement::parse_lenient(text).is_ok()).count() as u64
}

/// Plans the merge of ten environments of a hundred distributions with 85 files each, of which nine in ten are in all:
/// 16,150 files, planned from the layers' metadata alone.
pub fn merge_environments() -> u64 {
    static LAYERS: LazyLock<Vec<Layer<u64>>> = LazyLock::new(|| environments(10, 100, 85));
    let plan = merge(&LAYERS, &NoRules);
    plan.pieces().len() as u64 + plan.conflicts().len() as u64
}

/// Makes environments that share all but every tenth distribution. One namespace package spans all of those, so the
/// planner must look into it.
pub fn environments(count: u64, distributions: u64, files: u64) -> Vec<Layer<u64>> {
    let distribution = |owner: u64, number: u64| {
        let project = format!("p{owner}-{number}");
        let module = |file: u64| match number % 10 {
            0 => format!("shared/{project}/f{file}.py"),
            _ => format!("{project}/{}/f{file}.py", file % 7),
        };
        let id = owner * 1_000_000 + number * 1_000;
        let files = (0..files).map(|file| File::new(Place::Library, module(file), id + file));
        let contents = Contents::new(files).unwrap_or_default();
        let wheel = format!("{project}-1-py3-none-any.whl");
        Distribution::new(project, "1", wheel, id).with_contents(contents)
    };
    (0..count)
        .map(|layer| {
            let owner = |number| if number % 10 == 0 { layer } else { 0 };
            let all = (0..distributions).map(|number| distribution(owner(number), number));
            all.fold(Layer::new(format!("environment {layer}")), Layer::with)
        })
        .collect()
}

fn target() -> Option<Target> {
    Target::cpython_on_linux("3.12.4", "x86_64", Libc::Glibc { major: 2, minor: 39 }).ok()
}

#[cfg(test)]
mod tests {
    /// A workload that fails early would look fast.
    #[test]
    fn workloads_do_their_work() {
        let results: Vec<(&str, u64)> =
            super::WORKLOADS.iter().map(|(name, work)| (*name, work())).collect();
        assert!(results.iter().all(|(_, result)| *result >= 10), "{results:?}");
        assert_eq!(results[3].1, 100);
    }
}
