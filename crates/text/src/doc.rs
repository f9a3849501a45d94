//! What is known of a text beside its words.

/// Bytes of a [`Doc`] in a segment.
pub(crate) const ROW: usize = 17;

/// What a text is. The names are the caller's; here they are numbers to filter and sort by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Doc {
    /// The session's number.
    pub session: u32,
    /// The item's number within the session.
    pub seq: u32,
    /// When, in milliseconds since 1970; 0 where it is not known. Before 1970 is not known either.
    pub at: i64,
    /// The tool's number, 0 for none.
    pub tool: u16,
    /// The item's kind, as its number.
    pub kind: u8,
}

impl Doc {
    pub(crate) fn to_row(self) -> [u8; ROW] {
        let mut row = [0; ROW];
        row[..4].copy_from_slice(&self.session.to_le_bytes());
        row[4..8].copy_from_slice(&self.seq.to_le_bytes());
        // Six bytes last until the year 10889.
        row[8..14].copy_from_slice(&self.at.clamp(0, (1 << 48) - 1).to_le_bytes()[..6]);
        row[14..16].copy_from_slice(&self.tool.to_le_bytes());
        row[16] = self.kind;
        row
    }

    pub(crate) fn from_row(row: &[u8; ROW]) -> Self {
        let [a, b, c, d, e, f, g, h, at @ .., tool, tool_high, kind] = *row;
        let [i, j, k, l, m, n] = at;
        Doc {
            session: u32::from_le_bytes([a, b, c, d]),
            seq: u32::from_le_bytes([e, f, g, h]),
            at: i64::from_le_bytes([i, j, k, l, m, n, 0, 0]),
            tool: u16::from_le_bytes([tool, tool_high]),
            kind,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_holds_everything() {
        let doc = Doc { session: u32::MAX - 1, seq: 77, at: 1_795_000_000_123, tool: 512, kind: 9 };
        assert_eq!(Doc::from_row(&doc.to_row()), doc);
        assert_eq!(Doc::from_row(&Doc { at: -5, ..doc }.to_row()).at, 0);
    }
}
