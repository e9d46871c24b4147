//! Extra fields (APPNOTE 4.5): zip64, and those that can contradict the header.

use crate::{
    Error, Rule,
    record::{Fields, MAX32, ZIP64_EXTRA},
};

/// Info-ZIP's Unicode path (APPNOTE 4.6.9), which some readers prefer to the name.
const UNICODE_PATH_EXTRA: u16 = 0x7075;
/// The fields of ASi Unix and libarchive. Their modes can make a file a link or a directory.
const TYPE_EXTRAS: [u16; 2] = [0x756e, 0x6c78];

/// Replaces saturated 32-bit fields by the values of the zip64 extra field (APPNOTE 4.5.3). The
/// field holds either only those values or, as some tools write it, all of them. In the second case
/// the others must agree with the plain fields.
pub(crate) fn widen(extra: &[u8], plain: [u32; 3], name: &[u8]) -> Result<[u64; 3], Error> {
    let contradiction = || Error::refused(Rule::Zip64, String::from_utf8_lossy(name));
    let values = zip64_values(extra).ok_or_else(contradiction)?;
    let wide = plain.map(u64::from);
    let saturated = wide.iter().filter(|value| **value == MAX32).count();
    let all = values.len() > 8 * saturated;
    let mut values = values.chunks(8);
    let mut widened = wide;
    for (value, plain) in widened.iter_mut().zip(wide) {
        if plain == MAX32 || all {
            // A full list may end early, but not before a value that is needed.
            match values.next().map(|bytes| bytes.first_chunk()) {
                Some(Some(bytes)) => *value = u64::from_le_bytes(*bytes),
                None if plain != MAX32 => {}
                _ => return Err(contradiction()),
            }
            if plain != MAX32 && *value != plain {
                return Err(contradiction());
            }
        }
    }
    match values.next() {
        None => Ok(widened),
        Some(_) => Err(contradiction()),
    }
}

/// Checks a zip64 field in a local header whose sizes follow the data. Each size must be blank or
/// correct.
pub(crate) fn zip64_blank_or(extra: &[u8], size: u64, compressed: u64) -> bool {
    zip64_values(extra).is_some_and(|values| {
        let number = |bytes: &[u8]| bytes.try_into().ok().map(u64::from_le_bytes);
        values.is_empty()
            || values.len() == 16
                && values
                    .chunks(8)
                    .map(number)
                    .zip([size, compressed])
                    .all(|(here, there)| here == Some(0) || here == Some(there))
    })
}

/// Returns the body of the zip64 extra field, which is empty if there is none. Returns `None` if
/// the fields are malformed or the zip64 field occurs twice.
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

/// Returns true if no field gives the member another name or type than its header does. Some
/// readers prefer such fields to the header.
pub(crate) fn extra_agrees(extra: &[u8], name: &[u8]) -> bool {
    ExtraFields(extra).flatten().all(|(id, body)| match id {
        // The body holds a version, the CRC-32 of the name, and the name.
        UNICODE_PATH_EXTRA => body.get(5..) == Some(name),
        _ => !TYPE_EXTRAS.contains(&id),
    })
}

/// An iterator over extra fields (APPNOTE 4.5.1). It yields `None` for a malformed field.
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
