//! The clients, and how each is told to do the same work.

use std::path::Path;

use super::work::{Place, Task};

/// A program that moves content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Client {
    Ours,
    /// Ours, told that it may trust the source.
    OursTrusting,
    /// Ours, told to use two threads where one is the default.
    OursParallel,
    OrasGo,
    Crane,
    Regctl,
    Skopeo,
}

impl Client {
    /// The two that every case compares.
    pub(super) const PAIR: [Self; 2] = [Self::Ours, Self::OrasGo];

    /// That pair first.
    pub(super) const ALL: [Self; 7] =
        [Self::Ours, Self::OrasGo, Self::OursTrusting, Self::OursParallel, Self::Crane, Self::Regctl, Self::Skopeo];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::OursTrusting => "ours, trusting",
            Self::OursParallel => "ours, two threads",
            Self::OrasGo => "oras-go",
            Self::Crane => "crane",
            Self::Regctl => "regctl",
            Self::Skopeo => "skopeo",
        }
    }

    /// The words that make `program` do the task; `None` for what the client cannot do.
    pub(super) fn words(self, program: &Path, task: &Task) -> Option<Vec<String>> {
        let mut words = match self {
            Self::Ours | Self::OrasGo => plain(task),
            Self::OursTrusting => trusting(task)?,
            Self::OursParallel => parallel(task)?,
            Self::Crane => crane(task)?,
            Self::Regctl => regctl(task)?,
            Self::Skopeo => skopeo(task)?,
        };
        words.insert(0, program.display().to_string());
        Some(words)
    }
}

/// The words that our client and that on oras-go share.
fn plain(task: &Task) -> Vec<String> {
    match task {
        Task::Push { path, to } => words(&["push", &to.to_string(), path]),
        Task::Pull { from, to } => words(&["pull", &from.to_string(), &to.display().to_string()]),
        Task::Copy { from, to, .. } => words(&["copy", &from.to_string(), &to.to_string()]),
        Task::Extended { from, to } => words(&["extended", &from.to_string(), &to.to_string()]),
        Task::Referrers { layout, count } => words(&["referrers", &layout.display().to_string(), &count.to_string()]),
        Task::Add { path } => words(&["add", path]),
    }
}

/// Only a copy from elsewhere to a registry has a check that can be left out.
fn trusting(task: &Task) -> Option<Vec<String>> {
    let Task::Copy { to: Place::Registry { .. }, is_index: false, .. } = task else { return None };
    let mut all = plain(task);
    all.push("--trusted".to_owned());
    Some(all)
}

/// Only packing has work for a second thread.
fn parallel(task: &Task) -> Option<Vec<String>> {
    let Task::Add { .. } = task else { return None };
    let mut all = plain(task);
    all.push("--parallel".to_owned());
    Some(all)
}

fn crane(task: &Task) -> Option<Vec<String>> {
    let Task::Copy { from, to, is_index } = task else { return None };
    Some(match (from, to) {
        (Place::Registry { .. }, Place::Registry { .. }) => {
            words(&["copy", "--insecure", &from.to_string(), &to.to_string()])
        }
        (Place::Registry { .. }, Place::Layout { directory, .. }) => {
            words(&["pull", "--insecure", "--format=oci", &from.to_string(), &directory.display().to_string()])
        }
        (Place::Layout { directory, .. }, Place::Registry { .. }) => {
            let index = if *is_index { "--index=true" } else { "--index=false" };
            words(&["push", "--insecure", index, &directory.display().to_string(), &to.to_string()])
        }
        (Place::Layout { .. }, Place::Layout { .. }) => return None,
    })
}

fn regctl(task: &Task) -> Option<Vec<String>> {
    let place = |place: &Place| match place {
        Place::Registry { .. } => place.to_string(),
        Place::Layout { directory, tag } => format!("ocidir://{}:{tag}", directory.display()),
    };
    match task {
        Task::Push { path, to: to @ Place::Registry { .. } } if !path.ends_with('/') => {
            Some(words(&["artifact", "put", "--artifact-type", "application/vnd.bench", "--file", path, &place(to)]))
        }
        Task::Pull { from: from @ Place::Registry { .. }, to } => {
            Some(words(&["artifact", "get", "--output", &to.display().to_string(), &place(from)]))
        }
        Task::Copy { from, to, .. } => Some(words(&["image", "copy", &place(from), &place(to)])),
        Task::Extended { from, to } => Some(words(&["image", "copy", "--referrers", &place(from), &place(to)])),
        _ => None,
    }
}

fn skopeo(task: &Task) -> Option<Vec<String>> {
    let Task::Copy { from, to, .. } = task else { return None };
    let place = |place: &Place| match place {
        Place::Registry { .. } => format!("docker://{place}"),
        Place::Layout { .. } => place.to_string(),
    };
    let insecure = ["--src-tls-verify=false", "--dest-tls-verify=false", "--insecure-policy"];
    Some(words(&[insecure[2], "copy", "--all", "--quiet", insecure[0], insecure[1], &place(from), &place(to)]))
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn registry(name: &str) -> Place {
        Place::Registry { host: "localhost:1".to_owned(), repository: name.to_owned(), tag: "v1".to_owned() }
    }

    fn line(client: Client, task: &Task) -> Option<String> {
        client.words(Path::new("program"), task).map(|words| words.join(" "))
    }

    #[test]
    fn both_sides_get_the_same_words() {
        let task = Task::Pull { from: registry("a/b"), to: PathBuf::from("out") };
        assert_eq!(line(Client::Ours, &task), line(Client::OrasGo, &task));
        assert_eq!(line(Client::Ours, &task).unwrap(), "program pull localhost:1/a/b:v1 out");
    }

    #[test]
    fn others_speak_their_own() {
        let to = Place::Layout { directory: "d".into(), tag: "v1".to_owned() };
        let task = Task::Copy { from: registry("a"), to, is_index: false };
        assert_eq!(line(Client::Regctl, &task).unwrap(), "program image copy localhost:1/a:v1 ocidir://d:v1");
        assert_eq!(line(Client::Crane, &task).unwrap(), "program pull --insecure --format=oci localhost:1/a:v1 d");
        assert!(line(Client::Skopeo, &task).unwrap().ends_with("docker://localhost:1/a:v1 oci:d:v1"));
        assert_eq!(line(Client::OursTrusting, &task), None);
    }

    #[test]
    fn what_a_client_cannot_do_is_not_asked() {
        let task = Task::Add { path: "d".to_owned() };
        for client in [Client::Crane, Client::Regctl, Client::Skopeo, Client::OursTrusting] {
            assert_eq!(line(client, &task), None, "{client:?}");
        }
    }
}
