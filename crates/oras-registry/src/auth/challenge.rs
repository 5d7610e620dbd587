use super::{AuthScheme, Need};
use crate::{
    behaviour::{ChallengeScope, TokenQuirks},
    routes::TOKEN_PATH,
};

/// What both the challenge and the token answer call the service.
pub(crate) const SERVICE: &str = "oras-registry";

/// The challenge for what a request needs, every value in quotation marks: some clients need them.
pub(crate) fn challenge(scheme: AuthScheme, base: &str, need: &Need<'_>, quirks: &TokenQuirks) -> String {
    let word = |word: &str| if quirks.capital_scheme { word.to_uppercase() } else { word.to_owned() };
    if scheme == AuthScheme::Basic {
        let realm = quirks.realm.as_deref().unwrap_or(SERVICE);
        return format!("{} realm=\"{realm}\"", word("Basic"));
    }
    let realm = quirks.realm.clone().unwrap_or_else(|| format!("{base}{TOKEN_PATH}"));
    let challenge = format!("{} realm=\"{realm}\",service=\"{SERVICE}\"", word("Bearer"));
    match scope(need, &quirks.scope) {
        Some(scope) => format!("{challenge},scope=\"{scope}\""),
        None => challenge,
    }
}

fn scope(need: &Need<'_>, quirk: &ChallengeScope) -> Option<String> {
    match (quirk, need) {
        (ChallengeScope::Absent, _) => None,
        (ChallengeScope::Placeholder(scope), _) => Some(scope.clone()),
        (_, Need::Identity) => None,
        (_, Need::Catalog) => Some("registry:catalog:*".into()),
        (ChallengeScope::PullOnly, Need::Repository(name, _)) => Some(format!("repository:{name}:pull")),
        (ChallengeScope::Right, Need::Repository(name, actions)) => Some(format!("repository:{name}:{actions}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Actions;

    #[test]
    fn says_what_a_request_needs() {
        let need = Need::Repository("a/b", Actions::PUSH);
        let token = |need: &Need<'_>| challenge(AuthScheme::Token, "http://h:1", need, &TokenQuirks::default());
        let start = r#"Bearer realm="http://h:1/token",service="oras-registry""#;
        assert_eq!(token(&need), format!("{start},scope=\"repository:a/b:pull,push\""));
        assert_eq!(token(&Need::Catalog), format!("{start},scope=\"registry:catalog:*\""));
        assert_eq!(token(&Need::Identity), start);
        let quirks = TokenQuirks { capital_scheme: true, ..TokenQuirks::default() };
        assert_eq!(challenge(AuthScheme::Basic, "", &need, &quirks), r#"BASIC realm="oras-registry""#);
    }
}
