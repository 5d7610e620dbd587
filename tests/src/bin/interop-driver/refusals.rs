//! What goes wrong on the way to a registry, and whether the error tells a person what to do about it.

use oras::{ErrorKind, Report, auth::Credential, content::Resolver as _};

use crate::{Outcome, session::Session};

const REPOSITORY: &str = "refused/main";
/// What is asked for when a tag of it is looked up.
const SCOPE: &str = "repository:refused/main:pull";
/// Olareg's token server knows no 401: it forbids whoever it does not know.
const WHO: &[ErrorKind] = &[ErrorKind::Unauthorized, ErrorKind::Denied];

/// A way to fail, and how the error must look.
struct Refusal {
    name: &'static str,
    session: Session,
    kinds: &'static [ErrorKind],
    /// Each must be in the report; of words with a `|` between them, one.
    words: Vec<&'static str>,
}

/// Runs each way to fail that this registry has, a line each. `expired` is a token that was once good.
pub(crate) async fn run(session: &Session, expired: Option<String>) -> Outcome {
    for refusal in all(session, expired) {
        let name = refusal.name;
        match refusal.check(session.host()).await {
            Ok(()) => println!("pass {name}"),
            Err(error) => println!("fail {name}: {error}"),
        }
    }
    Ok(())
}

fn all(session: &Session, expired: Option<String>) -> Vec<Refusal> {
    let mut refusals = schemes(session);
    let Some(known) = session.credential() else { return refusals };
    let mut add = |name, credential, words: &[&'static str]| {
        let session = session.with_credential(credential);
        let words = words.iter().copied().chain([SCOPE]).collect();
        refusals.push(Refusal { name, session, kinds: WHO, words });
    };
    add("no credential", None, &["user name and a password|password or token", "log in"]);
    add("wrong password", Some(Credential::password(known.username(), "wrong")), &["password", "log in"]);
    add("unknown user", Some(Credential::password("nobody", known.expose_password())), &["password", "log in"]);
    add("wrong token", Some(Credential::access_token("bm9uc2Vuc2U")), &["token|has not both", "log in"]);
    if let Some(token) = expired {
        add("expired token", Some(Credential::access_token(token)), &["token", "no longer valid", "log in"]);
    }
    refusals
}

/// The other scheme, and an authority that nobody told us about.
fn schemes(session: &Session) -> Vec<Refusal> {
    let other = session.with_other_scheme();
    if session.is_plain_http() {
        let words = vec!["does not speak TLS", "plain http"];
        return vec![Refusal { name: "https where http is spoken", session: other, kinds: &[ErrorKind::Io], words }];
    }
    let stranger = session.without_authority();
    vec![
        Refusal {
            name: "unknown authority",
            session: stranger,
            kinds: &[ErrorKind::Io],
            words: vec!["authority", "add"],
        },
        Refusal {
            name: "http where https is spoken",
            session: other,
            kinds: &[ErrorKind::Other],
            words: vec!["speaks TLS", "https"],
        },
    ]
}

impl Refusal {
    /// Fails as it must.
    async fn check(&self, host: &str) -> Result<(), String> {
        let repository = self.session.repository(REPOSITORY).map_err(|error| error.to_string())?;
        let Err(error) = repository.resolve("v1").await else {
            return Err("it is not refused".to_owned());
        };
        let report = Report::new(&error).to_string().replace('\n', " ");
        if !self.kinds.contains(&error.kind()) {
            return Err(format!("expected {:?}, found {:?}: {report}", self.kinds, error.kind()));
        }
        let is_said = |words: &&str| words.split('|').any(|word| report.contains(word));
        match self.words.iter().chain([&host]).find(|words| !is_said(words)) {
            Some(missing) => Err(format!("says nothing of {missing:?}: {report}")),
            None => Ok(()),
        }
    }
}
