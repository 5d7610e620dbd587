use std::{collections::HashMap, time::Duration};

use http::{Method, Response, StatusCode, header};
use oras_reference::validate_repository;
use serde_json::{Value, json};

use super::{Accounts, Actions, Auth, Claims, challenge::SERVICE, decode_basic};
use crate::{
    behaviour::{TokenFields, TokenQuirks},
    body::{Body, Upload},
    call::Call,
    error::{ApiError, Code, Result},
    query::Query,
    registry::Registry,
    reply,
};

/// The largest form that is read.
const MAX_FORM: u64 = 64 * 1024;

/// How many scopes a token may have; more are ignored.
const MAX_SCOPES: usize = 64;

/// The token endpoint, in the form of a query and in that of OAuth2.
pub(crate) async fn token(registry: &Registry, call: &Call, body: Upload) -> Result<Response<Body>> {
    let Some(auth) = registry.auth() else {
        return Err(ApiError::not_found(Code::Unsupported, "there is no token server here"));
    };
    let quirks = &call.quirks().tokens;
    let lifetime = registry.limits().token_lifetime;
    if call.head.method == Method::POST {
        if let Some(status) = quirks.post_status {
            return Err(ApiError::new(status, Code::Unsupported, "this token server only knows GET"));
        }
        let form = reply::read_limited(body, MAX_FORM, "the form").await?;
        return by_form(auth, lifetime, &Query::parse_form(&String::from_utf8_lossy(&form)), quirks);
    }
    let query = Query::parse_form(call.head.uri.query().unwrap_or_default());
    by_query(auth, lifetime, call, &query)
}

fn by_query(auth: &Auth, lifetime: Duration, call: &Call, query: &Query) -> Result<Response<Body>> {
    let quirks = &call.quirks().tokens;
    let user = match call.head.headers.get(header::AUTHORIZATION) {
        None => None,
        Some(value) => basic_user(auth, value.to_str().unwrap_or_default())?,
    };
    let scopes = query.all("scope").flat_map(str::split_ascii_whitespace);
    let claims = grant(&auth.accounts, user.clone(), scopes, quirks);
    let refresh = match user.filter(|_| query.first("offline_token") == Some("true")) {
        Some(user) => Some(auth.tokens.issue_refresh(&user)?),
        None => None,
    };
    answer(auth, lifetime, claims, refresh, quirks)
}

/// The user of a Basic credential. An empty name with an empty password is nobody: some clients always send one.
fn basic_user(auth: &Auth, value: &str) -> Result<Option<String>> {
    let credential = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
    match credential.and_then(|(_, text)| decode_basic(text)) {
        Some((user, password)) if user.is_empty() && password.is_empty() => Ok(None),
        Some((user, password)) if auth.accounts.check(&user, &password) => Ok(Some(user)),
        _ => Err(wrong_credentials()),
    }
}

fn by_form(auth: &Auth, lifetime: Duration, form: &Query, quirks: &TokenQuirks) -> Result<Response<Body>> {
    let field = |name: &str| form.first(name).unwrap_or_default();
    for required in ["service", "client_id"] {
        if field(required).is_empty() {
            return Err(ApiError::bad_request(Code::Unsupported, format!("the form has no {required}")));
        }
    }
    let wants_refresh = field("access_type") == "offline";
    let (user, refresh) = match field("grant_type") {
        "password" => {
            let (user, password) = (field("username"), field("password"));
            if !auth.accounts.check(user, password) {
                return Err(wrong_credentials());
            }
            let refresh = if wants_refresh { Some(auth.tokens.issue_refresh(user)?) } else { None };
            (user.to_owned(), refresh)
        }
        "refresh_token" => {
            let token = field("refresh_token");
            let user = auth.tokens.refresh_user(token).filter(|user| auth.accounts.knows(user));
            (user.ok_or_else(wrong_credentials)?, Some(token.to_owned()))
        }
        other => {
            let message = format!("grant type {other:?} is not known: expected password or refresh_token");
            return Err(ApiError::bad_request(Code::Unsupported, message));
        }
    };
    let claims = grant(&auth.accounts, Some(user), field("scope").split_ascii_whitespace(), quirks);
    answer(auth, lifetime, claims, refresh, quirks)
}

fn wrong_credentials() -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, Code::Unauthorized, "the credentials are not valid")
        .with_header(header::WWW_AUTHENTICATE, reply::value(&format!("Basic realm=\"{SERVICE}\"")))
}

/// What was asked for, as far as it is allowed. Less than was asked is no error.
fn grant<'a>(
    accounts: &Accounts,
    user: Option<String>,
    scopes: impl Iterator<Item = &'a str>,
    quirks: &TokenQuirks,
) -> Claims {
    let limit = if quirks.first_scope_only { 1 } else { MAX_SCOPES };
    let mut claims = Claims { user, access: HashMap::new(), catalog: false };
    for scope in scopes.take(limit) {
        // A name may hold colons, with a host and port: the type ends at the first one, actions start at the last.
        let Some((kind, rest)) = scope.split_once(':') else { continue };
        let Some((name, actions)) = rest.rsplit_once(':') else { continue };
        if kind == "registry" && name == "catalog" {
            claims.catalog = claims.user.is_some();
        }
        let is_repository = kind == "repository" || kind.starts_with("repository(");
        if !is_repository || validate_repository(name).is_err() {
            continue;
        }
        let allowed = accounts.actions(claims.user.as_deref(), name).intersection(Actions::parse(actions));
        let granted = claims.access.entry(name.to_owned()).or_default();
        *granted = granted.union(allowed);
    }
    claims.access.retain(|_, actions| !actions.is_empty());
    claims
}

fn answer(
    auth: &Auth,
    lifetime: Duration,
    claims: Claims,
    refresh: Option<String>,
    quirks: &TokenQuirks,
) -> Result<Response<Body>> {
    let mut granted: Vec<_> =
        claims.access.iter().map(|(name, actions)| format!("repository:{name}:{actions}")).collect();
    if claims.catalog {
        granted.push("registry:catalog:*".into());
    }
    granted.sort();
    let token = auth.tokens.issue(claims, lifetime)?;
    let mut members = serde_json::Map::new();
    if quirks.fields != TokenFields::AccessToken {
        members.insert("token".into(), token.clone().into());
    }
    if quirks.fields != TokenFields::Token {
        members.insert("access_token".into(), token.into());
    }
    members.insert("scope".into(), granted.join(" ").into());
    if !quirks.omit_expiry {
        members.insert("expires_in".into(), json!(lifetime.as_secs()));
        members.insert("issued_at".into(), timestamp(auth.tokens.now()).into());
    }
    if let Some(refresh) = refresh {
        members.insert("refresh_token".into(), refresh.into());
    }
    Ok(reply::json(&Value::Object(members)))
}

/// A moment as RFC 3339 asks, in UTC and whole seconds.
fn timestamp(moment: std::time::SystemTime) -> String {
    let seconds = moment.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Days are counted from 1 March of year 0, so that a leap day ends its year.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::auth::Permission;

    #[test]
    fn grants_what_is_asked_and_allowed() {
        let accounts = Accounts::new()
            .with_user("ci", "word", [Permission::push("team/*")])
            .with_anonymous([Permission::pull("public")]);
        let scopes = "repository:team/a:pull,push,delete repository:team/a:* repository(plugin):team/b:pull \
                      repository:other:pull registry:catalog:* nonsense repository:A:pull repository:public:push,pull";
        let claims = grant(&accounts, Some("ci".into()), scopes.split_ascii_whitespace(), &TokenQuirks::default());
        let expected = HashMap::from([
            ("team/a".into(), Actions::PUSH),
            ("team/b".into(), Actions::PULL),
            ("public".into(), Actions::PULL),
        ]);
        assert_eq!(claims, Claims { user: Some("ci".into()), access: expected, catalog: true });
        let nobody = grant(&accounts, None, scopes.split_ascii_whitespace(), &TokenQuirks::default());
        assert_eq!(nobody.access, HashMap::from([("public".into(), Actions::PULL)]));
        assert!(!nobody.catalog);
    }

    #[test]
    fn writes_moments_as_rfc_3339_asks() {
        let at = |seconds| timestamp(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970-01-01T00:00:00Z");
        assert_eq!(at(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(at(1_709_251_199), "2024-02-29T23:59:59Z");
        assert_eq!(at(4_102_444_800), "2100-01-01T00:00:00Z");
    }
}
