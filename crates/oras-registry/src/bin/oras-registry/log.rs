//! Events as lines on standard error: `level message key=value …`.

use std::{
    fmt::{self, Write as _},
    io::{self, Write as _},
    sync::atomic::{AtomicU64, Ordering},
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// Writes the events of a level and of those above it.
pub(crate) struct Log {
    level: Level,
    spans: AtomicU64,
}

impl Log {
    pub(crate) const fn new(level: Level) -> Self {
        Self { level, spans: AtomicU64::new(0) }
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.level
    }

    fn new_span(&self, _span: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _span: &span::Id, _values: &span::Record<'_>) {}

    fn record_follows_from(&self, _span: &span::Id, _follows: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line::default();
        event.record(&mut line);
        // Without standard error there is nobody to tell.
        let _ = writeln!(io::stderr(), "{} {}{}", event.metadata().level(), line.message, line.fields);
    }

    fn enter(&self, _span: &span::Id) {}

    fn exit(&self, _span: &span::Id) {}
}

#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}").replace(char::is_control, " ");
        let written = match field.name() {
            "message" => self.message.write_str(&text),
            name => write!(self.fields, " {name}={text}"),
        };
        // A text takes everything.
        let _ = written;
    }
}
