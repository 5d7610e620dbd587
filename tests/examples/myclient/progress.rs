use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use oras::copy::{CopyEvent, CopyHooks, CopyOptions};
use oras::{Descriptor, Digest};

/// A bar moves often enough to look alive, and no more.
const INTERVAL: Duration = Duration::from_millis(100);

/// A bar for each blob, and what became of it.
#[derive(Debug)]
pub(crate) struct Bars {
    all: MultiProgress,
    /// Turns until the first blob moves: to describe large files takes a while.
    waiting: ProgressBar,
    of: Mutex<HashMap<Digest, ProgressBar>>,
}

impl Bars {
    /// Options of a copy that draws bars on standard error, where that is a terminal.
    pub(crate) fn options(is_quiet: bool) -> CopyOptions {
        let target = if is_quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let all = MultiProgress::with_draw_target(target);
        let waiting = all.add(ProgressBar::new_spinner().with_message("preparing"));
        waiting.enable_steady_tick(INTERVAL);
        let bars = Self { all, waiting, of: Mutex::default() };
        CopyOptions::new().with_progress_interval(INTERVAL).with_hooks(Arc::new(bars))
    }

    fn bar(&self, desc: &Descriptor) -> ProgressBar {
        self.waiting.finish_and_clear();
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            let bar = self.all.add(ProgressBar::new(desc.size).with_style(style()));
            let name = desc.title().unwrap_or_else(|| short(&desc.digest));
            bar.with_prefix(name.to_owned())
        };
        of.entry(desc.digest.clone()).or_insert_with(new).clone()
    }

    fn end(&self, desc: &Descriptor, how: &'static str) {
        let bar = self.bar(desc);
        bar.set_position(desc.size);
        bar.finish_with_message(how);
    }
}

impl CopyHooks for Bars {
    fn event(&self, event: &CopyEvent<'_>) {
        match *event {
            CopyEvent::Started { desc } => drop(self.bar(desc)),
            CopyEvent::Progress { desc, position } => self.bar(desc).set_position(position),
            CopyEvent::Skipped { desc } => self.end(desc, "there already"),
            CopyEvent::Mounted { desc } => self.end(desc, "mounted"),
            CopyEvent::Copied { desc } => self.end(desc, "done"),
            CopyEvent::Retried { desc, .. } => self.bar(desc).set_message("again"),
            _ => {}
        }
    }
}

fn style() -> ProgressStyle {
    let template = "{prefix:24!} {wide_bar} {bytes:>10}/{total_bytes:<10} {msg:13}";
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// Enough of a digest to know it again.
fn short(digest: &Digest) -> &str {
    digest.as_str().get(..19).unwrap_or_default()
}
