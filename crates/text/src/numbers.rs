//! Ascending numbers of texts: how they are stored, and what two lists have in common.

use std::io;

/// Appends a number, seven bits a byte, the lowest first.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes a number off the front.
pub(crate) fn take_varint(bytes: &mut &[u8]) -> io::Result<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let Some((byte, rest)) = bytes.split_first() else { break };
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(damaged())
}

/// Takes so many bytes off the front.
pub(crate) fn take<'a>(bytes: &mut &'a [u8], length: u64) -> io::Result<&'a [u8]> {
    let length = usize::try_from(length).map_err(|_| damaged())?;
    let (head, rest) = bytes.split_at_checked(length).ok_or_else(damaged)?;
    *bytes = rest;
    Ok(head)
}

pub(crate) fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the segment is damaged")
}

/// How a list of numbers is stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Packing {
    /// The steps from one to the next.
    Steps,
    /// A bit a text: shorter where one text in eight or more is listed.
    Bits,
}

/// Packs ascending numbers below `texts` into `out`, which is cleared first.
pub(crate) fn pack(numbers: &[u32], texts: u32, out: &mut Vec<u8>) -> Packing {
    out.clear();
    let bits = texts as usize / 8 + 1;
    if numbers.len() < bits {
        let mut next = 0;
        for number in numbers {
            put_varint(out, u64::from(number - next));
            next = number + 1;
        }
        if out.len() < bits {
            return Packing::Steps;
        }
        out.clear();
    }
    out.resize(bits, 0);
    for number in numbers {
        out[*number as usize / 8] |= 1 << (number % 8);
    }
    Packing::Bits
}

/// Unpacks `count` numbers below `texts` behind those that `out` holds.
pub(crate) fn unpack(
    mut bytes: &[u8],
    packing: Packing,
    count: u32,
    texts: u32,
    out: &mut Vec<u32>,
) -> io::Result<()> {
    if count > texts {
        return Err(damaged());
    }
    out.reserve(count as usize);
    match packing {
        Packing::Steps => {
            let mut next = 0;
            for _ in 0..count {
                let number = match bytes.first() {
                    // Nearly all steps fit a byte.
                    Some(step) if *step < 0x80 => {
                        bytes = &bytes[1..];
                        next + u64::from(*step)
                    }
                    _ => take_varint(&mut bytes)?.checked_add(next).ok_or_else(damaged)?,
                };
                if number >= u64::from(texts) {
                    return Err(damaged());
                }
                out.push(number as u32);
                next = number + 1;
            }
        }
        Packing::Bits => {
            for (at, chunk) in bytes.chunks(8).enumerate() {
                let mut word = [0; 8];
                word[..chunk.len()].copy_from_slice(chunk);
                let mut word = u64::from_le_bytes(word);
                while word != 0 {
                    let number = at as u32 * 64 + word.trailing_zeros();
                    if number >= texts {
                        return Err(damaged());
                    }
                    out.push(number);
                    word &= word - 1;
                }
            }
        }
    }
    Ok(())
}

/// Numbers that stand in both lists; both ascend.
pub fn common(a: &[u32], b: &[u32]) -> Vec<u32> {
    let (short, mut long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    let mut out = Vec::with_capacity(short.len());
    for number in short {
        // Doubling steps first: lists of very different lengths are the rule.
        let mut step = 1;
        while step < long.len() && long[step] < *number {
            step *= 2;
        }
        let bound = (step + 1).min(long.len());
        long = &long[long[..bound].partition_point(|other| other < number)..];
        if long.first() == Some(number) {
            out.push(*number);
        }
    }
    out
}

/// Numbers that stand in any of the lists, each once.
pub fn either(mut lists: Vec<Vec<u32>>) -> Vec<u32> {
    if lists.len() == 1 {
        return lists.swap_remove(0);
    }
    let mut all = lists.concat();
    all.sort_unstable();
    all.dedup();
    all
}

/// Numbers of `a` that don't stand in `b`; both ascend.
pub fn without(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut rest = b;
    let keep = |number: &&u32| {
        rest = &rest[rest.partition_point(|other| other < *number)..];
        rest.first() != Some(*number)
    };
    a.iter().filter(keep).copied().collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn ascending() -> impl Strategy<Value = Vec<u32>> {
        proptest::collection::btree_set(0u32..500, 0..300).prop_map(|set| set.into_iter().collect())
    }

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(numbers in ascending(), more in 1u32..100_000) {
            let texts = 500 + more;
            let mut packed = Vec::new();
            let packing = pack(&numbers, texts, &mut packed);
            prop_assert!(packed.len() <= texts as usize / 8 + 1);
            let mut out = Vec::new();
            unpack(&packed, packing, numbers.len() as u32, texts, &mut out).unwrap();
            prop_assert_eq!(out, numbers);
        }

        #[test]
        fn lists_are_combined_as_sets(a in ascending(), b in ascending()) {
            let (left, right): (BTreeSet<u32>, BTreeSet<u32>) =
                (a.iter().copied().collect(), b.iter().copied().collect());
            let listed = |set: BTreeSet<u32>| set.into_iter().collect::<Vec<_>>();
            prop_assert_eq!(common(&a, &b), listed(&left & &right));
            prop_assert_eq!(without(&a, &b), listed(&left - &right));
            prop_assert_eq!(either(vec![a, b]), listed(&left | &right));
        }

        #[test]
        fn damage_is_an_error_and_no_panic(bytes: Vec<u8>, count: u32, texts in 0u32..10_000, bits: bool) {
            let packing = if bits { Packing::Bits } else { Packing::Steps };
            let _ = unpack(&bytes, packing, count, texts, &mut Vec::new());
        }
    }
}
