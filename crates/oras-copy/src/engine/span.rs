//! What a log shows of a node: with the feature `tracing` one span, from its discovery to its end, else nothing.

use oras_content::{Descriptor, Fetcher};

use super::{
    Context,
    graph::{NodeId, Outcome},
};

#[cfg(not(feature = "tracing"))]
pub(crate) use off::Spans;
#[cfg(feature = "tracing")]
pub(crate) use on::Spans;

impl Outcome {
    #[cfg(feature = "tracing")]
    fn as_str(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Mounted => "mounted",
            Self::Copied => "copied",
            Self::Absent => "absent",
        }
    }
}

#[cfg(feature = "tracing")]
mod on {
    use std::collections::HashMap;

    use tokio::time::Instant;
    use tracing::{Instrument as _, Span, field::Empty};

    use super::{Context, Descriptor, Fetcher, NodeId, Outcome};

    /// The spans of the nodes that are not done.
    pub(crate) struct Spans {
        source: Option<String>,
        destination: Option<String>,
        open: HashMap<NodeId, (Span, Instant)>,
    }

    impl Spans {
        pub(crate) fn new<S: Fetcher, D: Fetcher>(ctx: &Context<'_, S, D>) -> Self {
            let host = |location: Option<oras_content::Location>| location.map(|at| at.registry().to_owned());
            Self { source: host(ctx.src.location()), destination: host(ctx.dst.location()), open: HashMap::new() }
        }

        /// The work on a node, in the node's span.
        pub(crate) fn within<F: Future>(
            &mut self,
            id: NodeId,
            desc: &Descriptor,
            work: F,
        ) -> impl Future<Output = F::Output> + use<F> {
            let (source, destination) = (&self.source, &self.destination);
            let (span, _) = self.open.entry(id).or_insert_with(|| {
                let span = tracing::debug_span!(
                    target: "oras::copy", "node",
                    digest = %desc.digest, kind = %desc.media_type, bytes = desc.size,
                    source.host = source, destination.host = destination, outcome = Empty, elapsed = Empty,
                );
                (span, Instant::now())
            });
            work.instrument(span.clone())
        }

        /// Ends the span of a node.
        pub(crate) fn end(&mut self, id: NodeId, outcome: Outcome) {
            self.close(id, outcome.as_str());
        }

        /// Ends the span of the node at which the copy ends.
        pub(crate) fn fail(&mut self, id: NodeId) {
            self.close(id, "failed");
        }

        fn close(&mut self, id: NodeId, outcome: &str) {
            if let Some((span, since)) = self.open.remove(&id) {
                span.record("outcome", outcome).record("elapsed", tracing::field::debug(since.elapsed()));
            }
        }
    }
}

#[cfg(not(feature = "tracing"))]
mod off {
    use super::{Context, Descriptor, Fetcher, NodeId, Outcome};

    pub(crate) struct Spans;

    impl Spans {
        pub(crate) fn new<S: Fetcher, D: Fetcher>(_: &Context<'_, S, D>) -> Self {
            Self
        }

        pub(crate) fn within<F: Future>(&mut self, _: NodeId, _: &Descriptor, work: F) -> F {
            work
        }

        pub(crate) fn end(&mut self, _: NodeId, _: Outcome) {}

        pub(crate) fn fail(&mut self, _: NodeId) {}
    }
}
