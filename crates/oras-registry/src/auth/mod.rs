//! Who asks, and whether they may.

mod accounts;
mod challenge;
mod endpoint;
mod tokens;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, StatusCode, header};

pub(crate) use accounts::Actions;
pub use accounts::{Accounts, Permission};
pub(crate) use challenge::challenge;
pub(crate) use endpoint::token;
pub(crate) use tokens::{Claims, Tokens, random_text};

use crate::{
    behaviour::TokenQuirks,
    clock::Clock,
    error::{ApiError, Code, Result},
};

/// How clients prove who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuthScheme {
    /// User and password on every request.
    Basic,
    /// A token from the server's own token endpoint, `/token`.
    Token,
}

#[derive(Debug)]
pub(crate) struct Auth {
    pub(crate) scheme: AuthScheme,
    pub(crate) accounts: Accounts,
    pub(crate) tokens: Tokens,
}

/// Who sent a request.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    /// There is no auth: everyone may do everything.
    Anyone,
    /// The one who gave this password, or nobody.
    User(Option<String>),
    /// The one who brought a token.
    Bearer(Claims),
}

/// What a request needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Need<'a> {
    /// To be known, if anybody is.
    Identity,
    Catalog,
    Repository(&'a str, Actions),
}

impl Auth {
    pub(crate) fn new(scheme: AuthScheme, accounts: Accounts, clock: Clock) -> Self {
        Self { scheme, accounts, tokens: Tokens::new(clock) }
    }

    /// Who sent a request, if what the request says about it is true.
    pub(crate) fn identify(&self, headers: &HeaderMap, quirks: &TokenQuirks) -> Option<Caller> {
        let Some(value) = headers.get(header::AUTHORIZATION) else {
            return Some(Caller::User(None));
        };
        let (scheme, rest) = value.to_str().ok()?.split_once(' ')?;
        match self.scheme {
            AuthScheme::Basic if scheme.eq_ignore_ascii_case("basic") => {
                let (user, password) = decode_basic(rest)?;
                self.accounts.check(&user, &password).then_some(Caller::User(Some(user)))
            }
            AuthScheme::Token if scheme.eq_ignore_ascii_case("bearer") => {
                self.tokens.claims(rest.trim(), quirks.uses).map(Caller::Bearer)
            }
            _ => None,
        }
    }

    /// What a caller may do in a repository.
    pub(crate) fn actions(&self, caller: &Caller, repository: &str) -> Actions {
        match caller {
            Caller::Anyone => Actions::ALL,
            Caller::User(user) => match self.scheme {
                AuthScheme::Basic => self.accounts.actions(user.as_deref(), repository),
                AuthScheme::Token => Actions::default(),
            },
            Caller::Bearer(claims) => claims.access.get(repository).copied().unwrap_or_default(),
        }
    }

    /// What the account of a caller may do in a repository, whatever the token says.
    pub(crate) fn account_actions(&self, caller: &Caller, repository: &str) -> Actions {
        match caller {
            Caller::Bearer(claims) => self.accounts.actions(claims.user.as_deref(), repository),
            _ => self.actions(caller, repository),
        }
    }

    fn is_met(&self, caller: &Caller, need: &Need<'_>) -> bool {
        match (need, caller) {
            (Need::Repository(name, actions), _) => self.actions(caller, name).contains(*actions),
            (Need::Identity, Caller::User(user)) => user.is_some(),
            (Need::Catalog, Caller::User(user)) => user.is_some() && self.scheme == AuthScheme::Basic,
            (Need::Catalog, Caller::Bearer(claims)) => claims.catalog,
            (Need::Identity, Caller::Bearer(_)) | (_, Caller::Anyone) => true,
        }
    }

    /// Lets a request pass, or says what is missing: 401 for those who could ask again with more, 403 for the others.
    pub(crate) fn authorize(&self, caller: Option<Caller>, need: &Need<'_>, challenge: &str) -> Result<Caller> {
        let Some(caller) = caller else {
            return Err(unauthorized("the credentials are not valid", challenge));
        };
        if self.is_met(&caller, need) {
            return Ok(caller);
        }
        let user = match &caller {
            Caller::User(user) => user.as_deref(),
            Caller::Bearer(claims) => claims.user.as_deref(),
            Caller::Anyone => None,
        };
        let is_hopeless = match need {
            Need::Repository(name, actions) => user.is_some() && !self.accounts.actions(user, name).contains(*actions),
            Need::Identity | Need::Catalog => false,
        };
        if is_hopeless {
            let message = "the user may not do this";
            return Err(ApiError::new(StatusCode::FORBIDDEN, Code::Denied, message));
        }
        match caller {
            Caller::Bearer(_) => Err(insufficient(challenge)),
            _ => Err(unauthorized("authentication is required", challenge)),
        }
    }
}

/// A token that does not cover what its holder may do.
pub(crate) fn insufficient(challenge: &str) -> ApiError {
    unauthorized("the token does not cover this", &format!("{challenge},error=\"insufficient_scope\""))
}

fn unauthorized(message: &str, challenge: &str) -> ApiError {
    let error = ApiError::new(StatusCode::UNAUTHORIZED, Code::Unauthorized, message);
    error.with_header(header::WWW_AUTHENTICATE, crate::reply::value(challenge))
}

/// User and password of a Basic credential.
pub(crate) fn decode_basic(text: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(STANDARD.decode(text.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.into(), password.into()))
}
