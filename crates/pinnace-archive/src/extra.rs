//! Extra fields (APPNOTE 4.5), of which two matter: zip64 and the Unicode path.

use crate::{
    Error, Rule,
    record::{Fields, MAX32},
};

pub(crate) const ZIP64_EXTRA: u16 = 1;
/// Info-ZIP's Unicode path (APPNOTE 4.6.9), which some readers prefer to the name.
const UNICODE_PATH_EXTRA: u16 = 0x7075;

/// Replaces saturated 32-bit fields by those of the zip64 extra field (APPNOTE 4.5.3).
pub(crate) fn widen(extra: &[u8], plain: [u32; 3], name: &[u8]) -> Result<[u64; 3], Error> {
    let contradiction = || Error::refused(Rule::Zip64, String::from_utf8_lossy(name));
    let mut values = zip64_values(extra).ok_or_else(contradiction)?.chunks_exact(8);
    let mut wide = plain.map(u64::from);
    for value in wide.iter_mut().filter(|value| **value == MAX32) {
        let bytes = values.next().ok_or_else(contradiction)?;
        *value = Fields(bytes).u64();
    }
    Ok(wide)
}

/// The body of the zip64 extra field, empty if there is none; `None` if the fields are malformed
/// or it stands twice.
fn zip64_values(extra: &[u8]) -> Option<&[u8]> {
    let mut found: Option<&[u8]> = None;
    for field in ExtraFields(extra) {
        let (id, body) = field?;
        if id == ZIP64_EXTRA && found.replace(body).is_some() {
            return None;
        }
    }
    Some(found.unwrap_or_default())
}

/// Whether a second name, if there is one, is the name: version, CRC-32 of the name, UTF-8.
pub(crate) fn unicode_path_agrees(extra: &[u8], name: &[u8]) -> bool {
    ExtraFields(extra)
        .flatten()
        .filter(|(id, _)| *id == UNICODE_PATH_EXTRA)
        .all(|(_, body)| body.get(5..) == Some(name))
}

/// The fields of an extra field (APPNOTE 4.5.1); `None` where they are malformed.
struct ExtraFields<'a>(&'a [u8]);

impl<'a> Iterator for ExtraFields<'a> {
    type Item = Option<(u16, &'a [u8])>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.0.split_at_checked(4).and_then(|(head, rest)| {
            let mut fields = Fields(head);
            let (id, length) = (fields.u16(), fields.u16());
            let (body, rest) = rest.split_at_checked(length.into())?;
            Some((id, body, rest))
        });
        self.0 = field.map_or(&[], |(_, _, rest)| rest);
        Some(field.map(|(id, body, _)| (id, body)))
    }
}
