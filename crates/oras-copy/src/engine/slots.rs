use std::num::NonZeroUsize;

use oras_content::Descriptor;

use crate::options::CopyOptions;

/// Blobs up to this size move in the places of small requests, so that a configuration of some bytes never waits behind
/// layers of gigabytes.
const SMALL_BLOB: u64 = 1 << 20;

/// Which places a task takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Small,
    Large,
}

impl Class {
    /// Where the transfer of a node belongs.
    pub(crate) fn of(desc: &Descriptor) -> Self {
        if desc.media_type.is_manifest() || desc.size <= SMALL_BLOB { Self::Small } else { Self::Large }
    }
}

/// The free places of a walk: some for small requests, some for large blobs, and at most so many pushes at once as the
/// destination can take.
#[derive(Debug)]
pub(crate) struct Slots {
    small: usize,
    large: usize,
    pushes: usize,
}

impl Slots {
    pub(crate) fn new(options: &CopyOptions, max_pushes: Option<NonZeroUsize>) -> Self {
        let large = options.concurrency.get();
        let small = options.metadata_concurrency.map_or_else(|| large.saturating_mul(2), NonZeroUsize::get);
        Self { small, large, pushes: max_pushes.map_or(usize::MAX, NonZeroUsize::get) }
    }

    pub(crate) fn has(&self, class: Class) -> bool {
        match class {
            Class::Small => self.small > 0,
            Class::Large => self.large > 0,
        }
    }

    pub(crate) fn can_push(&self) -> bool {
        self.pushes > 0
    }

    pub(crate) fn take(&mut self, class: Class, pushes: bool) {
        let places = self.places(class);
        *places = places.saturating_sub(1);
        if pushes {
            self.pushes = self.pushes.saturating_sub(1);
        }
    }

    pub(crate) fn give_back(&mut self, class: Class, pushes: bool) {
        *self.places(class) += 1;
        if pushes {
            self.pushes = self.pushes.saturating_add(1);
        }
    }

    fn places(&mut self, class: Class) -> &mut usize {
        match class {
            Class::Small => &mut self.small,
            Class::Large => &mut self.large,
        }
    }
}
