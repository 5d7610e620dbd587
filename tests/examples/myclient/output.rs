use oras::Descriptor;
use oras::files::{Pulled, Pushed};
use serde_json::{Value, json};

/// What a command has to say, for programs and for people.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) json: Value,
    pub(crate) text: String,
}

impl Output {
    pub(crate) fn pushed(place: &str, pushed: &Pushed) -> Self {
        let files: Vec<Value> = pushed.layers().iter().map(described).collect();
        let root = pushed.root();
        Self {
            json: json!({ "root": described(root), "files": files }),
            text: format!("pushed {} to {place}\n{}\n", counted(files.len()), root.digest),
        }
    }

    pub(crate) fn pulled(pulled: &Pulled) -> Self {
        let files = pulled.files().iter().map(|file| {
            json!({ "path": file.path(), "digest": file.descriptor().digest.as_str(), "unchanged": file.is_unchanged() })
        });
        let skipped = pulled.skipped().iter().map(
            |skipped| json!({ "content": described(skipped.descriptor()), "reason": skipped.reason().to_string() }),
        );
        let mut text = format!("pulled {}\n{}\n", counted(pulled.files().len()), pulled.root().digest);
        for skipped in pulled.skipped() {
            text.push_str(&format!("skipped {}: {}\n", skipped.descriptor().digest, skipped.reason()));
        }
        let json = json!({
            "root": described(pulled.root()),
            "files": files.collect::<Vec<_>>(),
            "skipped": skipped.collect::<Vec<_>>(),
        });
        Self { json, text }
    }

    pub(crate) fn copied(to: &str, root: &Descriptor) -> Self {
        Self { json: json!({ "root": described(root) }), text: format!("copied to {to}\n{}\n", root.digest) }
    }

    pub(crate) fn referrers(subject: &Descriptor, referrers: &[Descriptor]) -> Self {
        let lines = referrers.iter().map(|desc| format!("  {}  {}\n", kind(desc), desc.digest));
        let text = format!("{}\n{}", subject.digest, lines.collect::<String>());
        let referrers: Vec<Value> = referrers.iter().map(described).collect();
        Self { json: json!({ "subject": described(subject), "referrers": referrers }), text }
    }

    pub(crate) fn tags(tags: &[String]) -> Self {
        Self { json: json!({ "tags": tags }), text: tags.iter().map(|tag| format!("{tag}\n")).collect() }
    }

    pub(crate) fn said(text: &str) -> Self {
        Self { json: json!({ "message": text }), text: format!("{text}\n") }
    }
}

fn described(desc: &Descriptor) -> Value {
    let artifact_type = desc.artifact_type.as_ref().map(|kind| kind.as_str());
    json!({
        "mediaType": desc.media_type.as_str(),
        "digest": desc.digest.as_str(),
        "size": desc.size,
        "artifactType": artifact_type,
        "annotations": desc.annotations,
    })
}

fn kind(desc: &Descriptor) -> &str {
    desc.artifact_type.as_ref().map_or("(no type)", |kind| kind.as_str())
}

fn counted(files: usize) -> String {
    if files == 1 { "1 file".to_owned() } else { format!("{files} files") }
}
