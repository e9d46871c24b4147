//! Races `pinnace-archive` against its peers and the physical limit, in turn, in one run.
//!
//! ```text
//! cargo build --release -p pinnace-benches
//! target/release/archive [--runs N]     12,000 members: writing, copying, reading, compressing
//! target/release/archive growth         how cost grows with entries and bytes
//! target/release/archive memory MIB     writes and reads one member of that size; peak memory
//! ```
//!
//! The floor of writing copies the same bytes to memory and hashes them with SHA-256 once, in one
//! thread. CPython's time is taken in the interpreter, without its start.
#![expect(clippy::print_stdout, reason = "it is a program")]

use std::{
    error::Error,
    hint::black_box,
    io::{self, Cursor, Read, Seek, SeekFrom, Write},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use pinnace_archive::{
    Archive, ArchiveBuilder, ArchivePath, Content, Deflate, Mode, Policy, WriteOptions, Writer,
};
use sha2::{Digest, Sha256};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const MEMBERS: usize = 12_000;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => race(10),
        ["--runs", runs] => race(runs.parse()?),
        ["growth"] => growth(),
        ["memory", mib] => memory(mib.parse()?),
        _ => Err("usage: archive [--runs N] | growth | memory MIB".into()),
    }
}

struct Member {
    path: ArchivePath,
    content: Vec<u8>,
    sha256: [u8; 32],
}

/// Returns sizes like those in wheels: half below 2 kB, few large; 16 kB on average.
fn members() -> Result<Vec<Member>> {
    let words =
        ["def ", "return ", "self.", "value", "import ", "None", "(", ")", ":\n    ", " = "];
    let mut state: u64 = 7;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % below
    };
    (0..MEMBERS)
        .map(|n| {
            let size = if n % 40 == 0 { 500_000 } else { 1 << (7 + random(8)) };
            let mut content = Vec::with_capacity(size + 16);
            while content.len() < size {
                content.extend_from_slice(words[random(words.len())].as_bytes());
                content.extend_from_slice(random(1000).to_string().as_bytes());
            }
            let path = ArchivePath::parse(&format!("package_{:02}/module_{n:05}.py", n / 200))?;
            Ok(Member { path, sha256: pinnace_archive::sha256(&content), content })
        })
        .collect()
}

/// One way to do the work, with its times.
struct Lane<'a> {
    name: &'a str,
    work: Box<dyn Fn() -> Result<Duration> + 'a>,
    times: Vec<Duration>,
}

impl<'a> Lane<'a> {
    fn new<T>(name: &'a str, work: impl Fn() -> Result<T> + 'a) -> Self {
        Self::timed(name, move || {
            let started = Instant::now();
            black_box(work()?);
            Ok(started.elapsed())
        })
    }

    fn timed(name: &'a str, work: impl Fn() -> Result<Duration> + 'a) -> Self {
        Self { name, work: Box::new(work), times: Vec::new() }
    }
}

/// Runs all lanes in turn; ratios are to the first one.
fn compare(title: &str, runs: usize, bytes: usize, mut lanes: Vec<Lane<'_>>) -> Result<()> {
    for run in 0..=runs {
        for lane in &mut lanes {
            let time = (lane.work)()?;
            // The first round warms up.
            if run > 0 {
                lane.times.push(time);
            }
        }
    }
    println!("{title} ({:.1} MB, {runs} runs each)", bytes as f64 / 1e6);
    let mut first = None;
    for lane in &mut lanes {
        lane.times.sort();
        let millis = |at: usize| lane.times.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e3);
        let median = millis(runs / 2);
        let base = *first.get_or_insert(median);
        println!(
            "  {:<44} {median:8.1} ms  ({:.1} to {:.1})  {:5.0} % of the first one's speed",
            lane.name,
            millis(0),
            millis(runs.saturating_sub(1)),
            base / median * 100.0
        );
    }
    Ok(())
}

fn race(runs: usize) -> Result<()> {
    let members = members()?;
    let bytes: usize = members.iter().map(|member| member.content.len()).sum();
    let stored = write(&members, &WriteOptions::default())?;
    let deflate = Deflate::default();
    let deflated = write(&members, &WriteOptions::default().threads(2).encoder(&deflate))?;
    writing(runs, bytes, &members, &stored)?;
    copying(runs, &members, &deflated)?;
    reading("reading and verifying, deflated", runs, bytes, &deflated)?;
    let small = small(&members, &deflate)?;
    reading("the same, members of 2 kB", runs, MEMBERS * 2048, &small)?;
    let compress = |threads| {
        let members = &members;
        let deflate = &deflate;
        move || write(members, &WriteOptions::default().threads(threads).encoder(deflate))
    };
    let lanes = vec![
        Lane::new("deflate, 1 thread", compress(1)),
        Lane::new("deflate, 2 threads", compress(2)),
    ];
    compare("compressing", runs.min(5), bytes, lanes)
}

fn write(members: &[Member], writing: &WriteOptions<'_>) -> Result<Vec<u8>> {
    let mut builder = ArchiveBuilder::new();
    for member in members {
        let open = || Ok(Cursor::new(member.content.as_slice()));
        builder.add_with(&member.path, Mode::File, open)?;
    }
    let mut out = Vec::with_capacity(members.iter().map(|one| one.content.len() + 256).sum());
    builder.write(&mut out, writing)?;
    Ok(out)
}

fn writing(runs: usize, bytes: usize, members: &[Member], stored: &[u8]) -> Result<()> {
    let one_by_one = |verified: bool| {
        move || {
            let mut writer = Writer::new(Vec::with_capacity(stored.len()));
            for member in members {
                let source = Cursor::new(member.content.as_slice());
                let content = match verified {
                    true => Content::measure_verified(source, member.sha256)?,
                    false => Content::bytes(member.content.as_slice()),
                };
                writer.file(&member.path, Mode::File, content)?;
            }
            Ok(writer.finish()?.0)
        }
    };
    let lanes = vec![
        Lane::new("floor: copy, SHA-256", || floor(stored)),
        Lane::new("Writer, digests known", one_by_one(true)),
        Lane::new("Writer, both digests computed", one_by_one(false)),
        Lane::new("ArchiveBuilder, both digests, 2 threads", || {
            write(members, &WriteOptions::default().threads(2))
        }),
        Lane::new("zip crate, no digest", || {
            let options = zip::write::SimpleFileOptions::default()
                .compression_method(zip::CompressionMethod::Stored);
            let mut writer = zip::ZipWriter::new(Cursor::new(Vec::with_capacity(stored.len())));
            for member in members {
                writer.start_file(member.path.as_str(), options)?;
                writer.write_all(&member.content)?;
            }
            Ok(writer.finish()?)
        }),
    ];
    compare("writing, stored", runs, bytes, lanes)
}

fn floor(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut hash = Sha256::new();
    for piece in bytes.chunks(1 << 17) {
        hash.update(piece);
        out.extend_from_slice(piece);
    }
    black_box(hash.finalize());
    Ok(out)
}

fn copying(runs: usize, members: &[Member], deflated: &[u8]) -> Result<()> {
    let archive = Archive::open(deflated, Policy::strict())?;
    let files: Vec<_> = archive.sorted().filter(|entry| !entry.is_directory()).collect();
    let lanes = vec![
        Lane::new("floor: copy, SHA-256", || floor(deflated)),
        Lane::new("Writer::copy_verified, digests known", || {
            let mut writer = Writer::new(Vec::with_capacity(deflated.len()));
            for (member, entry) in members.iter().zip(&files) {
                writer.copy_verified(&member.path, Mode::File, &archive, entry, member.sha256)?;
            }
            Ok(writer.finish()?.0)
        }),
        Lane::new("Writer::copy, decoded and checked", || {
            let mut writer = Writer::new(Vec::with_capacity(deflated.len()));
            for (member, entry) in members.iter().zip(&files) {
                writer.copy(&member.path, Mode::File, &archive, entry)?;
            }
            Ok(writer.finish()?.0)
        }),
    ];
    compare("copying raw, deflated", runs, deflated.len(), lanes)
}

const CPYTHON: &str = "
import io, sys, time, zipfile
data = sys.stdin.buffer.read()
start = time.perf_counter()
archive = zipfile.ZipFile(io.BytesIO(data))
for info in archive.infolist():
    archive.read(info)
print(time.perf_counter() - start)
";

/// Returns as many members, none larger than 2 kB.
fn small(members: &[Member], deflate: &Deflate) -> Result<Vec<u8>> {
    let mut builder = ArchiveBuilder::new();
    for member in members {
        let content = member.content.iter().cycle().take(2048).copied().collect::<Vec<u8>>();
        builder.add_bytes(&member.path, Mode::File, content)?;
    }
    let mut out = Vec::new();
    builder.write(&mut out, &WriteOptions::default().threads(2).encoder(deflate))?;
    Ok(out)
}

fn reading(title: &str, runs: usize, bytes: usize, deflated: &[u8]) -> Result<()> {
    let lanes = vec![
        Lane::new("Archive::open, verify", || {
            Archive::open(deflated, Policy::strict())?.verify()?;
            Ok(())
        }),
        Lane::new("the same on 2 threads", || {
            Archive::open(deflated, Policy::strict())?.verify_on(2)?;
            Ok(())
        }),
        Lane::new("zip crate", || {
            let mut archive = zip::ZipArchive::new(Cursor::new(deflated))?;
            for at in 0..archive.len() {
                io::copy(&mut archive.by_index(at)?, &mut io::sink())?;
            }
            Ok(())
        }),
        Lane::timed("CPython zipfile", || {
            let mut python = Command::new("python3")
                .args(["-I", "-c", CPYTHON])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()?;
            python.stdin.take().ok_or("no pipe")?.write_all(deflated)?;
            let output = python.wait_with_output()?;
            Ok(Duration::from_secs_f64(String::from_utf8(output.stdout)?.trim().parse()?))
        }),
    ];
    compare(title, runs, bytes, lanes)
}

fn growth() -> Result<()> {
    println!("entries of 16 bytes");
    for entries in [10, 100, 1_000, 10_000, 100_000, 1_000_000] {
        let started = Instant::now();
        let mut writer = Writer::new(Vec::new());
        for n in 0..entries {
            let path = ArchivePath::parse(&format!("d{:04}/f{n:07}", n / 500))?;
            writer.bytes(&path, Mode::File, b"sixteen bytes ok")?;
        }
        let bytes = writer.finish()?.0;
        let written = started.elapsed();
        let started = Instant::now();
        let limits = pinnace_archive::Limits::new().with_entries(2_000_000).with_directory(1 << 30);
        let archive = Archive::open(bytes, Policy::strict().with_limits(limits))?;
        let opened = started.elapsed();
        let started = Instant::now();
        archive.verify()?;
        let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(entries);
        println!(
            "  {entries:>9}: write {:6.2} us each, open {:6.2} us each, verify {:6.2} us each",
            each(written),
            each(opened),
            each(started.elapsed())
        );
    }
    println!("one member");
    for mib in [1_u64, 16, 256, 4096] {
        let started = Instant::now();
        let mut writer = Writer::new(io::sink());
        let content = Content::measure(Zeros { size: mib << 20, at: 0 })?;
        writer.file(&ArchivePath::parse("a")?, Mode::File, content)?;
        writer.finish()?;
        let seconds = started.elapsed().as_secs_f64();
        println!("  {mib:>5} MiB: {:6.0} MB/s", (mib << 20) as f64 / 1e6 / seconds);
    }
    Ok(())
}

fn memory(mib: u64) -> Result<()> {
    let file = tempfile::tempfile()?;
    let mut writer = Writer::new(&file);
    let content = Content::measure(Zeros { size: mib << 20, at: 0 })?;
    writer.file(&ArchivePath::parse("a")?, Mode::File, content)?;
    writer.finish()?;
    Archive::open(&file, Policy::strict())?.verify()?;
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("no /proc");
    println!("{mib} MiB: {peak}");
    Ok(())
}

/// A source of bytes without cost.
struct Zeros {
    size: u64,
    at: u64,
}

impl Read for Zeros {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = (self.size - self.at).min(buffer.len() as u64) as usize;
        buffer[..n].fill(0);
        self.at += n as u64;
        Ok(n)
    }
}

impl Seek for Zeros {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match to {
            SeekFrom::Start(at) => self.at = at,
            SeekFrom::Current(by) => self.at = self.at.saturating_add_signed(by),
            SeekFrom::End(by) => self.at = self.size.saturating_add_signed(by),
        }
        Ok(self.at)
    }
}
