use oras_content::{Descriptor, Error};

/// What happens during a copy, told to [`CopyHooks::event`](crate::CopyHooks::event) while it happens.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum CopyEvent<'a> {
    /// The walk found more nodes; these are the totals so far, which can still grow.
    Discovered {
        /// How many nodes are known.
        nodes: u64,
        /// How many bytes they have.
        bytes: u64,
    },
    /// A node begins to be transferred.
    Started {
        /// The node.
        desc: &'a Descriptor,
    },
    /// Bytes of a node were read; told at most once in each
    /// [interval](crate::CopyOptions::with_progress_interval).
    Progress {
        /// The node.
        desc: &'a Descriptor,
        /// How many of its bytes were read so far; fewer than before when the transfer had to begin again.
        position: u64,
    },
    /// A node that is there, or that a hook skipped, was passed over, and what it points to with it.
    Skipped {
        /// The node.
        desc: &'a Descriptor,
    },
    /// A node is not at the source, and what points to it allows that.
    Absent {
        /// The node.
        desc: &'a Descriptor,
    },
    /// A node was mounted; no byte of it moved.
    Mounted {
        /// The node.
        desc: &'a Descriptor,
    },
    /// A node was copied.
    Copied {
        /// The node.
        desc: &'a Descriptor,
    },
    /// A node failed in a way that may pass and is tried again.
    Retried {
        /// The node.
        desc: &'a Descriptor,
        /// How many times it was tried.
        attempts: u32,
        /// Why it failed.
        error: &'a Error,
    },
    /// The destination lacks what a manifest points to, though it said that it has it; that is pushed again.
    Healed {
        /// The manifest.
        desc: &'a Descriptor,
    },
    /// A reference stands for a node now.
    Tagged {
        /// The node.
        desc: &'a Descriptor,
        /// The reference.
        reference: &'a str,
    },
}
