//! A content store in memory, with a tag index and a predecessor graph that other stores reuse.
