//! What can be said of stores.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Args, Debug)]
pub(crate) struct StoreCommand {
    #[command(subcommand)]
    pub(crate) verb: StoreVerb,
    /// The store: a folder, `file://…` or `s3://bucket/folder`; else what PINNACE_STORE says
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) store: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum StoreVerb {
    /// Store files, and print their digests
    Put(StorePut),
    /// Fetch a content by its digest, or the first digits of it
    Get(StoreGet),
    /// Read everything, name what is damaged or missing, and heal it from another store
    Check(StoreCheck),
    /// Remove what nothing refers to: in two runs, a grace apart
    Gc(StoreGc),
    /// List refs with what they point to, or objects
    Ls(StoreLs),
    /// Count objects and bytes
    Stat,
}

#[derive(Args, Debug)]
pub(crate) struct StorePut {
    /// The files; `-` is stdin
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct StoreGet {
    /// The digest, or as many of its digits as no other has
    #[arg(value_name = "DIGEST")]
    pub(crate) digest: String,
    /// The file to write; `-` is stdout
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct StoreCheck {
    /// A store that may have what is damaged or missing here
    #[arg(long, value_name = "URL")]
    pub(crate) heal_from: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct StoreGc {
    /// How many of the newest releases of each ref to keep
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) keep: u32,
    /// How long nothing is removed that somebody wrote: longer than any deploy takes. As in `90s`, `30m`,
    /// `12h` or `7d`
    #[arg(long, value_name = "TIME", default_value = "1d", value_parser = seconds)]
    pub(crate) grace: u64,
}

#[derive(Args, Debug)]
pub(crate) struct StoreLs {
    /// A ref, to list its steps; or `blobs`, `manifests` or `packs`. Without it: all refs
    #[arg(value_name = "WHAT")]
    pub(crate) what: Option<String>,
}

fn seconds(text: &str) -> Result<u64, String> {
    let expected = || "`90s`, `30m`, `12h` or `7d` is expected".to_owned();
    let unit = text.chars().last().ok_or_else(expected)?;
    let factor = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86400,
        _ => return Err(expected()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| expected())?;
    number.checked_mul(factor).ok_or_else(expected)
}
