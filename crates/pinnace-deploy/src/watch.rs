//! The watcher of a project, which detects edits that change a release.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use pinnace_build::{Rules, Scan, ScanIndex, Settings, TreeFile};

/// A watcher of the files of a project that ship, and of its `.env`.
///
/// It polls by scanning the folder, so that it sees the same files as a deployment, on every file system. A
/// scan reads only files that changed.
#[derive(Debug)]
pub struct Watcher {
    project: PathBuf,
}

/// The state of a project when it was scanned.
#[derive(Debug, Default)]
pub struct Snapshot {
    settings: Settings,
    files: Vec<TreeFile>,
    index: ScanIndex,
    /// The contents of `.env`, which never ships.
    dotenv: Option<Vec<u8>>,
    /// The reason why the scan failed.
    fault: Option<String>,
}

/// The name of the file of environment variables.
pub const DOTENV: &str = ".env";

/// The minimum pause between two scans.
const POLL: Duration = Duration::from_millis(40);
/// The pause after a scan, as a multiple of its duration, so that scanning takes at most a twentieth of a core.
const PAUSE_FACTOR: u32 = 20;
/// The time for which a project must be unchanged, since editors write a file in several steps.
const QUIET: Duration = Duration::from_millis(15);

impl Watcher {
    /// Creates a watcher of the project in a folder.
    pub fn new(project: impl Into<PathBuf>) -> Self {
        Self { project: project.into() }
    }

    /// Scans the project.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::after(&self.project, &Snapshot::default())
    }

    /// Waits until the project differs from `seen` and no longer changes, or `is_cancelled` returns true.
    /// Returns the new state, and the path of a file that changed.
    pub fn wait(
        &self,
        mut seen: Snapshot,
        is_cancelled: &dyn Fn() -> bool,
    ) -> (Snapshot, Option<String>) {
        while !is_cancelled() {
            let started = Instant::now();
            let now = Snapshot::after(&self.project, &seen);
            let took = started.elapsed();
            if let Some(path) = now.differs_from(&seen) {
                return (self.at_rest(now, is_cancelled), Some(path));
            }
            seen.index = now.index;
            thread::sleep(POLL.max(took * PAUSE_FACTOR));
        }
        (seen, None)
    }

    fn at_rest(&self, mut seen: Snapshot, is_cancelled: &dyn Fn() -> bool) -> Snapshot {
        loop {
            thread::sleep(QUIET);
            let now = Snapshot::after(&self.project, &seen);
            if now.differs_from(&seen).is_none() || is_cancelled() {
                return now;
            }
            seen = now;
        }
    }
}

impl Snapshot {
    /// Returns the settings of the project.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Scans the project again, without reading files that are unchanged since `before`.
    fn after(project: &Path, before: &Self) -> Self {
        let settings = Settings::of_project(project, None).unwrap_or_default();
        let folder = settings.folder.as_deref().unwrap_or(project);
        let rules = Rules::new(&settings.include, &settings.exclude);
        let scan = rules.and_then(|rules| Scan::of(folder, &rules, &before.index, 1));
        match scan {
            Ok(scan) => Self {
                files: scan.files,
                index: scan.index,
                dotenv: fs::read(project.join(DOTENV)).ok(),
                fault: None,
                settings,
            },
            Err(error) => Self { fault: Some(error.to_string()), settings, ..Self::default() },
        }
    }

    /// Returns the path of a file that differs.
    fn differs_from(&self, before: &Self) -> Option<String> {
        if self.fault.is_some() || before.fault.is_some() {
            let is_other = self.fault != before.fault;
            return is_other.then(|| "the project".to_owned());
        }
        if self.dotenv != before.dotenv {
            return Some(DOTENV.to_owned());
        }
        if self.files == before.files {
            return None;
        }
        let new = self.files.iter().find(|file| !before.files.contains(file));
        let gone = before.files.iter().find(|file| !self.files.contains(file));
        new.or(gone).map(|file| file.path.clone())
    }
}
