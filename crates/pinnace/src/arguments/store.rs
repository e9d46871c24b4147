//! The arguments of `pinnace store`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// The arguments of `pinnace store`.
#[derive(Args, Debug)]
pub(crate) struct StoreCommand {
    #[command(subcommand)]
    pub(crate) subcommand: StoreSubcommand,
    /// Store: a folder, `file://…` or `s3://bucket/folder` [default: PINNACE_STORE]
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) store: Option<String>,
}

/// The subcommands of `pinnace store`.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreSubcommand {
    /// Store files, and print their digests
    Put(StorePut),
    /// Download an object by its digest
    Get(StoreGet),
    /// Check all objects for damage and loss, and repair them from another store
    Check(StoreCheck),
    /// Collect garbage: remove objects that no release needs
    Gc(StoreGc),
    /// List refs, the deployments of a ref, or objects
    Ls(StoreLs),
    /// Show the number and the size of objects
    Stat,
}

/// The arguments of `pinnace store put`.
#[derive(Args, Debug)]
pub(crate) struct StorePut {
    /// Files to store; `-` is stdin
    #[arg(value_name = "FILE", required = true)]
    pub(crate) files: Vec<PathBuf>,
}

/// The arguments of `pinnace store get`.
#[derive(Args, Debug)]
pub(crate) struct StoreGet {
    /// Digest of the object, or a unique prefix
    #[arg(value_name = "DIGEST")]
    pub(crate) digest: String,
    /// File to write; `-` is stdout
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

/// The arguments of `pinnace store check`.
#[derive(Args, Debug)]
pub(crate) struct StoreCheck {
    /// Store to copy damaged and missing objects from
    #[arg(long, value_name = "URL")]
    pub(crate) heal_from: Option<String>,
}

/// The arguments of `pinnace store gc`.
#[derive(Args, Debug)]
#[command(after_help = "\
An unused object is removed in two runs: the first marks it, and a run after the grace period \
removes it.

Example:
  pinnace store gc --keep 5 --grace 12h --store /srv/pinnace")]
pub(crate) struct StoreGc {
    /// Number of newest releases to keep of each ref
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) keep: u32,
    /// Grace period in which new objects are kept, such as `90s`, `30m`, `12h` or `7d`; choose it
    /// longer than any deploy takes
    #[arg(long, value_name = "TIME", default_value = "1d", value_parser = seconds)]
    pub(crate) grace: u64,
}

/// The arguments of `pinnace store ls`.
#[derive(Args, Debug)]
pub(crate) struct StoreLs {
    /// Ref whose deployments to list, or `blobs`, `manifests` or `packs` [default: list all refs]
    #[arg(value_name = "WHAT")]
    pub(crate) what: Option<String>,
}

fn seconds(text: &str) -> Result<u64, String> {
    let expected = || "expected a time such as `90s`, `30m`, `12h` or `7d`".to_owned();
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
