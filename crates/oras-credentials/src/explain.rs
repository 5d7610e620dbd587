use std::fmt;

use oras_auth::Credential;

/// What one place answered.
pub(crate) enum Answer {
    Nothing(&'static str),
    Found { by: String, credential: Credential },
}

impl Answer {
    pub(crate) fn credential(self) -> Credential {
        match self {
            Self::Nothing(_) => Credential::anonymous(),
            Self::Found { credential, .. } => credential,
        }
    }
}

/// Which credential is taken for a registry, and why: one line for each place that was asked. It shows no secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// The registry, and the repository where one was named.
    pub target: String,
    /// Each place that was asked, in order, and what it answered. The last one was taken, if any was.
    pub steps: Vec<(String, String)>,
    /// What is taken; anonymous when no place knew one.
    pub credential: Credential,
}

impl Explanation {
    pub(crate) fn new(registry: &str, repository: Option<&str>) -> Self {
        let target = repository.map_or_else(|| registry.to_owned(), |repository| format!("{registry}/{repository}"));
        Self { target, steps: Vec::new(), credential: Credential::anonymous() }
    }

    pub(crate) fn add(&mut self, place: String, answer: Answer) {
        let text = match answer {
            Answer::Nothing(why) => why.to_owned(),
            Answer::Found { by, credential } => {
                let text = format!("{by} gives {}", describe(&credential));
                self.credential = credential;
                text
            }
        };
        self.steps.push((place, text));
    }
}

fn describe(credential: &Credential) -> String {
    if !credential.expose_access_token().is_empty() {
        return "an access token".to_owned();
    }
    if !credential.expose_refresh_token().is_empty() {
        return "a refresh token".to_owned();
    }
    format!("the user {} with a password", credential.username())
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "credential for {}:", self.target)?;
        for (place, answer) in &self.steps {
            write!(f, "\n  {place}: {answer}")?;
        }
        if self.credential.is_anonymous() { write!(f, "\n  so nobody in particular") } else { Ok(()) }
    }
}
