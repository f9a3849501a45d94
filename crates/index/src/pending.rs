//! Texts that are catalogued but not yet in the search index.
//!
//! Prompts and answers are indexed as they are read; the rest, most of the bytes, is noted here as places
//! and indexed in a second pass, which can stop and go on at any point. A row holds one part's pieces, each
//! as seven variable-length numbers, offsets as differences.

use marline_text::Doc;

/// One text to be indexed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// Where its record starts.
    pub offset: u64,
    /// The record's length.
    pub length: u64,
    /// Which of the record's items it is.
    pub part: u16,
    /// What the text is.
    pub doc: Doc,
}

/// Packs pieces in the order of their offsets.
pub fn pack(pieces: &mut [Piece]) -> Vec<u8> {
    pieces.sort_by_key(|piece| (piece.offset, piece.part));
    let mut out = Vec::with_capacity(pieces.len() * 14);
    let (mut offset, mut at) = (0, 0i64);
    for piece in pieces {
        let doc = &piece.doc;
        let step = doc.at.wrapping_sub(at);
        let zigzag = ((step << 1) ^ (step >> 63)) as u64;
        for number in [
            piece.offset - offset,
            piece.length,
            u64::from(piece.part),
            u64::from(doc.session),
            u64::from(doc.seq),
            u64::from(doc.kind),
            u64::from(doc.tool),
            zigzag,
        ] {
            push(&mut out, number);
        }
        (offset, at) = (piece.offset, doc.at);
    }
    out
}

/// Unpacks what [`pack`] packed; stops at anything else.
pub fn unpack(mut bytes: &[u8]) -> Vec<Piece> {
    let mut out = Vec::new();
    let (mut offset, mut at) = (0u64, 0i64);
    while !bytes.is_empty() {
        let mut numbers = [0; 8];
        for number in &mut numbers {
            let Some(value) = pull(&mut bytes) else { return out };
            *number = value;
        }
        offset = offset.wrapping_add(numbers[0]);
        at = at.wrapping_add((numbers[7] >> 1) as i64 ^ -((numbers[7] & 1) as i64));
        out.push(Piece {
            offset,
            length: numbers[1],
            part: numbers[2] as u16,
            doc: Doc {
                session: numbers[3] as u32,
                seq: numbers[4] as u32,
                kind: numbers[5] as u8,
                tool: numbers[6] as u16,
                at,
            },
        });
    }
    out
}

fn push(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn pull(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(
            pieces in proptest::collection::vec(
                (0u64..1 << 40, 0u64..1 << 30, any::<u16>(), any::<u32>(), any::<u32>(), 0u8..10, -5i64..1 << 42),
                0..50,
            ),
        ) {
            let mut pieces: Vec<Piece> = pieces
                .into_iter()
                .map(|(offset, length, part, session, seq, kind, at)| Piece {
                    offset, length, part, doc: Doc { session, seq, kind, tool: 3, at },
                })
                .collect();
            let packed = pack(&mut pieces);
            prop_assert_eq!(unpack(&packed), pieces);
        }
    }
}
