//! The cases, as the targets name them.

use super::client::Client;
use super::content::Content;
use super::site::Site;

/// Something to be measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    /// What `--case` and the targets call it.
    pub(super) name: &'static str,
    /// In words, at full size.
    pub(super) title: &'static str,
    /// What is moved.
    pub(super) content: Content,
    /// How.
    pub(super) work: Work,
    /// Against which registries.
    pub(super) sites: &'static [Site],
}

/// The kinds of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    Push,
    Pull,
    Copy(End, End),
    /// A copy that was made before.
    Again,
    Extended,
    /// This many times the referrers of the content.
    Referrers(u64),
    Add,
    Unpack,
    /// From the start of the process to the first byte of a request.
    Start,
}

/// An end of a copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Registry,
    Layout,
}

use End::{Layout, Registry};

const LOCAL: &[Site] = &[Site::Local];
const BOTH: &[Site] = &[Site::Distribution, Site::Free];
const REFERRERS: &[Site] = &[Site::Olareg, Site::Distribution, Site::Free];
const FREE: &[Site] = &[Site::Free];

/// All cases, in the order of the table.
pub(super) const CASES: &[Case] = &[
    case("a", "push a file of 1 GiB", Content::File, Work::Push, BOTH),
    case("b", "pull it to a file", Content::File, Work::Pull, BOTH),
    case("c", "push 1,000 files of 16 KiB", Content::Files, Work::Push, BOTH),
    case("d", "pull them", Content::Files, Work::Pull, BOTH),
    case("e", "copy 1 GiB in 4 layers, registry to registry", Content::Layers, Work::Copy(Registry, Registry), BOTH),
    case("f", "the same, registry to layout", Content::Layers, Work::Copy(Registry, Layout), BOTH),
    case("g", "the same, layout to registry", Content::Layers, Work::Copy(Layout, Registry), BOTH),
    case("h", "copy an index of 200 small images", Content::Images, Work::Copy(Registry, Registry), BOTH),
    case("i", "the same again, all present", Content::Images, Work::Again, &[Site::Distribution]),
    case("j", "extended copy, 300 referrers", Content::Referrers, Work::Extended, REFERRERS),
    case("k", "add 300 referrers to a layout, list them", Content::Referrers, Work::Referrers(1), LOCAL),
    case("k10", "the same with 3,000", Content::Referrers, Work::Referrers(10), LOCAL),
    case("l", "pack 5,000 files, 200 MiB, to tar.gz", Content::Tree, Work::Add, LOCAL),
    case("m", "unpack it", Content::Tree, Work::Unpack, LOCAL),
    case("n", "copy a sparse blob of 4 GiB, layout to registry", Content::Sparse, Work::Copy(Layout, Registry), FREE),
    case("o", "pull it to a file", Content::Sparse, Work::Pull, FREE),
    case("s", "start to the first request", Content::Images, Work::Start, LOCAL),
];

pub(super) const fn case(
    name: &'static str,
    title: &'static str,
    content: Content,
    work: Work,
    sites: &'static [Site],
) -> Case {
    Case { name, title, content, work, sites }
}

impl Case {
    /// Who takes part. Huge blobs are about our memory, and compared with oras-go alone.
    pub(super) fn clients(&self) -> &'static [Client] {
        if self.content == Content::Sparse { &Client::PAIR } else { &Client::ALL }
    }
}
