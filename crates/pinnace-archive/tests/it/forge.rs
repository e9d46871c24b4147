//! A generator of zips with arbitrary fields, valid or not.

use pinnace_archive::{Archive, ErrorKind, Policy, Rule};

/// A member. A field that is `None` takes the value of an honest writer.
#[derive(Clone, Default)]
pub(crate) struct Part {
    pub(crate) name: Vec<u8>,
    pub(crate) data: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) flags: u16,
    pub(crate) mode: u32,
    /// The system that made the member; Unix if `None`.
    pub(crate) host: Option<u8>,
    /// The MS-DOS attributes.
    pub(crate) dos: u32,
    pub(crate) crc32: Option<u32>,
    pub(crate) size: Option<u32>,
    pub(crate) compressed: Option<u32>,
    pub(crate) offset: Option<u32>,
    pub(crate) central_extra: Vec<u8>,
    pub(crate) local: Local,
    /// Bytes between this member's data and the next member.
    pub(crate) after: Vec<u8>,
}

/// Overrides of the values in the local header.
#[derive(Clone, Default)]
pub(crate) struct Local {
    pub(crate) name: Option<Vec<u8>>,
    pub(crate) method: Option<u16>,
    pub(crate) flags: Option<u16>,
    pub(crate) crc32: Option<u32>,
    pub(crate) size: Option<u32>,
    pub(crate) compressed: Option<u32>,
    pub(crate) extra: Vec<u8>,
}

impl Part {
    pub(crate) fn new(name: impl AsRef<[u8]>, data: impl AsRef<[u8]>) -> Self {
        let (name, data) = (name.as_ref().to_vec(), data.as_ref().to_vec());
        let flags = if name.is_ascii() { 0 } else { 1 << 11 };
        let mode = if name.ends_with(b"/") { 0o040_755 } else { 0o100_644 };
        Self { name, data, flags, mode, ..Self::default() }
    }

    /// Creates a member deflated by flate2.
    pub(crate) fn deflated(name: &str, content: &[u8]) -> Self {
        use std::io::Write as _;
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Default::default());
        encoder.write_all(content).unwrap();
        Self {
            data: encoder.finish().unwrap(),
            method: 8,
            size: Some(content.len() as u32),
            crc32: Some(crc32fast::hash(content)),
            ..Self::new(name, "")
        }
    }

    fn numbers(&self) -> [u32; 3] {
        let length = self.data.len() as u32;
        [
            self.crc32.unwrap_or(crc32fast::hash(&self.data)),
            self.compressed.unwrap_or(length),
            self.size.unwrap_or(length),
        ]
    }

    fn encode_local(&self, out: &mut Vec<u8>) {
        let local = &self.local;
        let name = local.name.as_ref().unwrap_or(&self.name);
        let [crc32, compressed, size] = self.numbers();
        put32(out, 0x0403_4b50);
        put16(out, 20);
        put16(out, local.flags.unwrap_or(self.flags));
        put16(out, local.method.unwrap_or(self.method));
        put32(out, 0x0021_0000);
        put32(out, local.crc32.unwrap_or(crc32));
        put32(out, local.compressed.unwrap_or(compressed));
        put32(out, local.size.unwrap_or(size));
        put16(out, name.len() as u16);
        put16(out, local.extra.len() as u16);
        out.extend([name, &local.extra, &self.data, &self.after].into_iter().flatten());
    }

    fn encode_central(&self, offset: u32, out: &mut Vec<u8>) {
        put32(out, 0x0201_4b50);
        put16(out, u16::from(self.host.unwrap_or(3)) << 8 | 20);
        put16(out, 20);
        put16(out, self.flags);
        put16(out, self.method);
        put32(out, 0x0021_0000);
        self.numbers().into_iter().for_each(|number| put32(out, number));
        put16(out, self.name.len() as u16);
        put16(out, self.central_extra.len() as u16);
        put16(out, 0);
        put32(out, 0);
        put32(out, self.mode << 16 | self.dos);
        put32(out, self.offset.unwrap_or(offset));
        out.extend(self.name.iter().chain(&self.central_extra));
    }
}

pub(crate) fn forge(parts: &[Part]) -> Vec<u8> {
    forge_with(b"", parts, b"")
}

/// Builds an archive with a prefix and a comment.
pub(crate) fn forge_with(prefix: &[u8], parts: &[Part], comment: &[u8]) -> Vec<u8> {
    let mut bytes = prefix.to_vec();
    let mut central = Vec::new();
    for part in parts {
        part.encode_central(bytes.len() as u32, &mut central);
        part.encode_local(&mut bytes);
    }
    let (offset, size) = (bytes.len() as u32, central.len() as u32);
    bytes.extend(central);
    put32(&mut bytes, 0x0605_4b50);
    put32(&mut bytes, 0);
    put16(&mut bytes, parts.len() as u16);
    put16(&mut bytes, parts.len() as u16);
    put32(&mut bytes, size);
    put32(&mut bytes, offset);
    put16(&mut bytes, comment.len() as u16);
    bytes.extend(comment);
    bytes
}

/// Encodes an extra field.
pub(crate) fn extra(id: u16, body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put16(&mut bytes, id);
    put16(&mut bytes, body.len() as u16);
    bytes.extend(body);
    bytes
}

pub(crate) fn put16(out: &mut Vec<u8>, value: u16) {
    out.extend(value.to_le_bytes());
}

pub(crate) fn put32(out: &mut Vec<u8>, value: u32) {
    out.extend(value.to_le_bytes());
}

/// Opens an archive and reads all of it.
pub(crate) fn read_all(bytes: &[u8], policy: Policy) -> Result<(), pinnace_archive::Error> {
    Archive::open(bytes, policy)?.verify()
}

/// Returns the rule for which the strict reader refuses the archive.
#[track_caller]
pub(crate) fn rule(bytes: &[u8]) -> Rule {
    match read_all(bytes, Policy::strict()).expect_err("must be refused").kind() {
        ErrorKind::Refused { rule, .. } => *rule,
        other => panic!("refused for another reason: {other:?}"),
    }
}
