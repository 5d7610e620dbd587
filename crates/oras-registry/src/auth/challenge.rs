use super::{AuthScheme, Need};
use crate::{
    behaviour::{ChallengeScope, TokenQuirks},
    routes::TOKEN_PATH,
};

/// What both the challenge and the token answer call the service.
pub(crate) const SERVICE: &str = "oras-registry";

/// The challenge for what a request needs, every value in quotation marks: some clients need them.
///
/// A mount also reads the repository that it names as its source.
pub(crate) fn challenge(
    scheme: AuthScheme,
    base: &str,
    need: &Need<'_>,
    source: Option<&str>,
    quirks: &TokenQuirks,
) -> String {
    let word = |word: &str| if quirks.capital_scheme { word.to_uppercase() } else { word.to_owned() };
    if scheme == AuthScheme::Basic {
        let realm = quirks.realm.as_deref().unwrap_or(SERVICE);
        return format!("{} realm=\"{realm}\"", word("Basic"));
    }
    let realm = quirks.realm.clone().unwrap_or_else(|| format!("{base}{TOKEN_PATH}"));
    let challenge = format!("{} realm=\"{realm}\",service=\"{SERVICE}\"", word("Bearer"));
    match (scope(need, &quirks.scope), source.filter(|_| quirks.scope == ChallengeScope::Right)) {
        (Some(scope), Some(source)) => format!("{challenge},scope=\"{scope} repository:{source}:pull\""),
        (Some(scope), None) => format!("{challenge},scope=\"{scope}\""),
        (None, _) => challenge,
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
        let mount =
            |need: &Need<'_>, source| challenge(AuthScheme::Token, "http://h:1", need, source, &TokenQuirks::default());
        let token = |need: &Need<'_>| mount(need, None);
        let start = r#"Bearer realm="http://h:1/token",service="oras-registry""#;
        assert_eq!(token(&need), format!("{start},scope=\"repository:a/b:pull,push\""));
        let both = format!("{start},scope=\"repository:a/b:pull,push repository:c:pull\"");
        assert_eq!(mount(&need, Some("c")), both);
        assert_eq!(token(&Need::Catalog), format!("{start},scope=\"registry:catalog:*\""));
        assert_eq!(token(&Need::Identity), start);
        let quirks = TokenQuirks { capital_scheme: true, ..TokenQuirks::default() };
        assert_eq!(challenge(AuthScheme::Basic, "", &need, None, &quirks), r#"BASIC realm="oras-registry""#);
    }
}
