//! What a request may cost.

/// What a body may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The size in bytes.
    pub bytes: usize,
    /// Levels of nesting.
    pub depth: usize,
    /// JSON values, counting every element and member.
    pub elements: usize,
    /// Operations of one PATCH.
    pub operations: usize,
    /// Changes of a document that one PATCH may come to: an operation without a path makes one for each
    /// attribute. Members that come and go do not count, but a filter over them does.
    pub changes: usize,
    /// Elements of multi-valued attributes that one PATCH may look at, each time counted and once for each term
    /// of a filter; a large element counts once more for each 256 bytes.
    pub looks: usize,
}

impl Default for Limits {
    /// 8 MiB, 32 levels, a million values: a group of 100,000 members fits. A PATCH may have a thousand
    /// operations, make a thousand changes and look at elements four million times.
    fn default() -> Self {
        Self {
            bytes: 8 << 20,
            depth: 32,
            elements: 1_000_000,
            operations: 1_000,
            changes: 1_000,
            looks: 4_000_000,
        }
    }
}
