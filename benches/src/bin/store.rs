//! Measures the store beside the physical limit, in turn in one run.
//!
//! ```text
//! cargo build --release
//! target/release/store [--runs N] [--folder DIR] [--s3 s3://BUCKET/FOLDER]
//! ```
//!
//! Locally: 1 GiB in 83 blobs of the sizes that wheels have, put and got, beside copying and hashing the
//! same bytes with one fsync per file; and a tree of 12,000 files out of packs, beside inflating and
//! writing them. With `--s3` also: 48 packs from a server to which 30 ms are added, by a proxy in this
//! process (`AWS_ENDPOINT_URL` and the like say which server).
#![expect(clippy::print_stdout, reason = "it is a program")]

use std::{
    error::Error,
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use pinnace_benches::{Lanes, delayed};
use pinnace_store::{ContentKind, Digest, Durability, LocalStore, PackBuilder, S3Backend, Store};
use sha2::{Digest as _, Sha256};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const BLOBS: usize = 83;
const TOTAL: usize = 1 << 30;
const FILES: usize = 12_000;
const PACKS: usize = 48;
const DELAY: Duration = Duration::from_millis(30);

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (mut runs, mut folder, mut s3) = (5, std::env::temp_dir(), None);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().ok_or(format!("{argument} has no value"))?;
        match argument.as_str() {
            "--runs" => runs = value.parse()?,
            "--folder" => folder = value.into(),
            "--s3" => s3 = Some(value),
            _ => return Err(format!("{argument} is no option").into()),
        }
    }
    let folder = tempfile::tempdir_in(folder)?;
    blobs(folder.path(), runs)?;
    tree(folder.path(), runs)?;
    s3.map_or(Ok(()), |url| packs(&url, runs))
}

/// Returns bytes that do not compress.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

fn blobs(folder: &Path, runs: usize) -> Result<()> {
    // A few are large, most are small.
    let weights: Vec<f64> = (0..BLOBS).map(|n| 1.0 / (n as f64 + 1.0)).collect();
    let sum: f64 = weights.iter().sum();
    let sources = folder.join("sources");
    fs::create_dir(&sources)?;
    let mut files = Vec::new();
    for (n, weight) in weights.iter().enumerate() {
        let path = sources.join(n.to_string());
        File::create(&path)?
            .write_all(&noise((TOTAL as f64 * weight / sum) as usize, n as u64 + 1))?;
        files.push(path);
    }
    let mut lanes =
        Lanes::new(["floor: copy, SHA-256, fsync", "put", "floor: read, SHA-256, write", "get"]);
    for run in 0..=runs {
        let root = folder.join(format!("run-{run}"));
        fs::create_dir(&root)?;
        lanes.time(run, 0, || {
            files
                .iter()
                .enumerate()
                .try_for_each(|(n, file)| copy(file, &root.join(n.to_string()), Sync::Each))
        })?;
        let store = Store::open(LocalStore::open(root.join("store"), Durability::Durable)?)?;
        let mut digests = Vec::new();
        lanes.time(run, 1, || {
            for file in &files {
                digests.push(store.put(&mut File::open(file)?)?);
            }
            Ok(())
        })?;
        let out = root.join("out");
        fs::create_dir(&out)?;
        lanes.time(run, 2, || {
            files
                .iter()
                .enumerate()
                .try_for_each(|(n, file)| copy(file, &out.join(format!("f{n}")), Sync::Never))
        })?;
        lanes.time(run, 3, || {
            for (n, digest) in digests.iter().enumerate() {
                let mut blob = store.get(digest)?.ok_or("it was put")?;
                std::io::copy(&mut blob, &mut File::create(out.join(n.to_string()))?)?;
            }
            Ok(())
        })?;
        fs::remove_dir_all(root)?;
    }
    report(lanes, "1 GiB in 83 blobs", TOTAL);
    Ok(())
}

#[derive(Clone, Copy, PartialEq)]
enum Sync {
    Each,
    Never,
}

fn copy(from: &Path, to: &Path, sync: Sync) -> Result<()> {
    let (mut source, mut target) = (File::open(from)?, File::create(to)?);
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; 128 * 1024]);
    loop {
        match source.read(&mut buffer)? {
            0 => break,
            n => {
                hash.update(&buffer[..n]);
                target.write_all(&buffer[..n])?;
            }
        }
    }
    std::hint::black_box(hash.finalize());
    if sync == Sync::Each {
        target.sync_all()?;
    }
    Ok(())
}

/// Returns text like code, of 7 kB on average.
fn code(n: usize) -> Vec<u8> {
    let line = |at: usize| {
        format!(
            "    value_{at} = compute({}, name='file {n}')\n",
            (at * 7919 + n * 104_729) % 10_007
        )
    };
    (0..40 + n % 260).map(line).collect::<String>().into_bytes()
}

fn tree(folder: &Path, runs: usize) -> Result<()> {
    let store = Store::open(LocalStore::open(folder.join("tree-store"), Durability::Volatile)?)?;
    let mut builder = PackBuilder::new();
    let contents: Vec<Vec<u8>> = (0..FILES).map(code).collect();
    let bytes: usize = contents.iter().map(Vec::len).sum();
    let digests: Vec<Digest> =
        contents.into_iter().map(|content| builder.add(ContentKind::Blob, content)).collect();
    let packs: Vec<Digest> = store.put_packs(builder)?.into_iter().collect();
    // The floor has the same deflated bytes in memory.
    let held: Vec<_> =
        packs.iter().map(|pack| store.pack(pack)).collect::<std::result::Result<Vec<_>, _>>()?;
    let deflated: Vec<Vec<u8>> = digests
        .iter()
        .map(|digest| {
            let content = held
                .iter()
                .flatten()
                .find_map(|pack| pack.read(digest).ok().flatten())
                .unwrap_or_default();
            let mut out = Vec::new();
            let mut encoder = flate2::read::DeflateEncoder::new(
                content.as_slice(),
                flate2::Compression::default(),
            );
            encoder.read_to_end(&mut out).map(|_| out)
        })
        .collect::<std::io::Result<_>>()?;
    drop(held);
    let mut lanes = Lanes::new(["floor: inflate, write", "get through packs"]);
    for run in 0..=runs {
        let root = folder.join(format!("tree-{run}"));
        for lane in ["floor", "packs"] {
            for n in 0..100 {
                fs::create_dir_all(root.join(lane).join(n.to_string()))?;
            }
        }
        let path = |lane: &str, n: usize| -> PathBuf {
            root.join(lane).join((n % 100).to_string()).join(format!("{n}.py"))
        };
        lanes.time(run, 0, || {
            for (n, one) in deflated.iter().enumerate() {
                let mut content = Vec::new();
                flate2::read::DeflateDecoder::new(one.as_slice()).read_to_end(&mut content)?;
                File::create(path("floor", n))?.write_all(&content)?;
            }
            Ok(())
        })?;
        lanes.time(run, 1, || {
            let packs = store.packs(&packs, 2)?;
            for (n, digest) in digests.iter().enumerate() {
                let content = packs.iter().find_map(|pack| pack.read(digest).transpose());
                File::create(path("packs", n))?.write_all(&content.ok_or("it was put")??)?;
            }
            Ok(())
        })?;
    }
    report(lanes, &format!("a tree of {FILES} files, {} MB, one thread", bytes / 1_000_000), bytes);
    Ok(())
}

fn packs(url: &str, runs: usize) -> Result<()> {
    let mut variables: Vec<(String, String)> =
        environment().into_iter().filter(|(name, _)| name.starts_with("AWS_")).collect();
    let at = variables
        .iter()
        .position(|(name, _)| name == "AWS_ENDPOINT_URL")
        .ok_or("AWS_ENDPOINT_URL is not set")?;
    let server = variables[at].1.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let direct = Store::open(S3Backend::open(url, &variables)?)?;
    let mut digests = Vec::new();
    let mut bytes = 0;
    for n in 0..PACKS {
        let mut builder = PackBuilder::new();
        for part in 0..2 {
            let content = noise(256 * 1024, (n * 2 + part + 7) as u64);
            bytes += content.len();
            builder.add(ContentKind::Blob, content);
        }
        digests.extend(direct.put_packs(builder)?);
    }
    variables[at].1 = format!("http://{}", delayed(server, DELAY)?);
    let backend = S3Backend::open(url, &variables)?;
    let store = Store::open(backend)?;
    let mut lanes = Lanes::new(["one request", "48 packs, cold"]);
    for run in 0..=runs {
        lanes.time(run, 0, || Ok(store.backend().head(&"format".parse()?).map(drop)?))?;
        let fresh = Store::open(S3Backend::open(url, &variables)?)?;
        lanes.time(run, 1, || {
            fresh.packs(&digests, 32).map(drop)?;
            Ok(())
        })?;
    }
    report(lanes, "S3 on loopback with 30 ms added", bytes);
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "it is a program")]
fn environment() -> Vec<(String, String)> {
    std::env::vars().collect()
}

/// Prints medians as speeds, and the ratio of every second lane to the one before.
fn report<const N: usize>(lanes: Lanes<N>, what: &str, bytes: usize) {
    println!("{what}");
    let mut floor = Duration::ZERO;
    for (at, (name, median)) in lanes.medians().into_iter().enumerate() {
        if at % 2 == 0 {
            floor = median;
        }
        println!(
            "  {name:30} {:9.1} ms  {:7.0} MB/s  {:5.1} % of the floor's speed",
            median.as_secs_f64() * 1e3,
            bytes as f64 / 1e6 / median.as_secs_f64(),
            100.0 * floor.as_secs_f64() / median.as_secs_f64(),
        );
    }
}
