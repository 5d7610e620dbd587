use std::collections::BTreeSet;

/// Something that not every store can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Capability {
    /// Lists every manifest that points to some content. Without it and with [`Referrers`](Self::Referrers),
    /// predecessors are those whose subject is the content.
    Predecessors,
    /// Lists the manifests whose subject is some content.
    Referrers,
    /// Lists tags.
    ListTags,
    /// Removes tags.
    Untag,
    /// Removes content.
    Delete,
    /// Takes content that is not described yet.
    Ingest,
    /// Knows content by SHA-512.
    Sha512,
    /// Refuses a second push of the same content, without reading it. Without it such a push succeeds.
    RefusesKnownContent,
}

/// What a store can do. What it cannot do, it must answer with `Unsupported`: the contract asserts that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities(BTreeSet<Capability>);

impl Capabilities {
    /// Everything.
    pub fn all() -> Self {
        use Capability as C;
        let all = [
            C::Predecessors,
            C::Referrers,
            C::ListTags,
            C::Untag,
            C::Delete,
            C::Ingest,
            C::Sha512,
            C::RefusesKnownContent,
        ];
        Self(all.into())
    }

    /// What every [`Target`](oras_content::Target) has to do that keeps content itself, such as one in
    /// [`AnyTarget::new`](oras_content::AnyTarget::new).
    pub fn target() -> Self {
        Self([Capability::Sha512, Capability::RefusesKnownContent].into())
    }

    /// Adds a capability.
    #[must_use]
    pub fn with(mut self, capability: Capability) -> Self {
        self.0.insert(capability);
        self
    }

    /// Takes a capability away.
    #[must_use]
    pub fn without(mut self, capability: Capability) -> Self {
        self.0.remove(&capability);
        self
    }

    /// Whether the store has a capability.
    pub fn has(&self, capability: Capability) -> bool {
        self.0.contains(&capability)
    }
}
