use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use http::{HeaderValue, header::AUTHORIZATION};
use oras_content::{BoxFuture, Result};
use oras_transport::{Authorize, Authorizer, Request, redacted};

use crate::{
    cache::Account,
    credential::{Credential, basic, bearer},
    error::AuthError,
    grants::Grants,
    scope::Scopes,
    token::Token,
};

/// What a request says about who asks.
#[derive(Clone, Debug)]
pub(crate) enum Grant {
    /// A password, or a token that somebody was given.
    Fixed(HeaderValue),
    /// A token of a token server.
    Token(Arc<TokenGrant>),
}

impl Grant {
    pub(crate) fn basic(credential: &Credential) -> Self {
        Self::Fixed(basic(credential.username(), credential.expose_password()))
    }

    /// The token that the credential is.
    pub(crate) fn given(credential: &Credential) -> Option<Self> {
        bearer(credential.expose_access_token()).map(Self::Fixed)
    }

    /// `is_new`: it was made in answer to a refusal.
    pub(crate) fn bearer(grants: &Arc<Grants>, account: Account, scopes: Scopes, token: Token, is_new: bool) -> Self {
        let held = Mutex::new(Held::new(token, grants.now()));
        Self::Token(Arc::new(TokenGrant { grants: Arc::clone(grants), account, scopes, held, is_new }))
    }

    pub(crate) fn apply(&self, request: &mut Request) {
        let value = match self {
            Self::Fixed(value) => Some(value.clone()),
            Self::Token(grant) => {
                request.extensions_mut().insert(Authorizer::new(Arc::clone(grant) as Arc<dyn Authorize>));
                bearer(&grant.token().secret)
            }
        };
        if let Some(value) = value {
            request.headers_mut().insert(AUTHORIZATION, value);
        }
    }

    pub(crate) fn is_new(&self) -> bool {
        matches!(self, Self::Token(grant) if grant.is_new)
    }

    /// Whether its server said that it ends before `now`.
    pub(crate) fn has_ended(&self, now: SystemTime) -> bool {
        matches!(self, Self::Token(grant) if grant.token().expires <= now)
    }

    /// What was said last, to be told from what may be said instead.
    pub(crate) fn secret(&self) -> String {
        match self {
            Self::Fixed(value) => String::from_utf8_lossy(value.as_bytes()).into_owned(),
            Self::Token(grant) => grant.token().secret,
        }
    }
}

/// A token, and how to get the next one while its request waits.
pub(crate) struct TokenGrant {
    grants: Arc<Grants>,
    account: Account,
    scopes: Scopes,
    held: Mutex<Held>,
    is_new: bool,
}

#[derive(Clone)]
struct Held {
    token: Token,
    /// The server's word on its end was wrong from the beginning, so it counts for nothing.
    is_endless: bool,
}

impl Held {
    fn new(token: Token, now: SystemTime) -> Self {
        let is_endless = token.expires <= now || token.fresh_until <= now;
        Self { token, is_endless }
    }
}

impl TokenGrant {
    fn held(&self) -> Held {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn token(&self) -> Token {
        self.held().token
    }
}

impl Authorize for TokenGrant {
    fn current(&self) -> Option<HeaderValue> {
        let Held { token, is_endless } = self.held();
        let now = self.grants.now();
        let is_good = is_endless || (now < token.fresh_until && now < token.expires);
        is_good.then(|| bearer(&token.secret)).flatten()
    }

    fn renew(&self) -> BoxFuture<'_, Result<HeaderValue>> {
        Box::pin(async move {
            let ended = self.token().secret;
            let token = self.grants.fetch(&self.account, &self.scopes, &Scopes::new(), Some(&ended)).await?;
            let value = bearer(&token.secret).ok_or_else(|| unusable(&self.account))?;
            *self.held.lock().unwrap_or_else(PoisonError::into_inner) = Held::new(token, self.grants.now());
            Ok(value)
        })
    }
}

impl fmt::Debug for TokenGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenGrant").field("scopes", &self.scopes).finish_non_exhaustive()
    }
}

fn unusable(account: &Account) -> AuthError {
    AuthError::NoToken {
        registry: account.registry.authority(),
        server: redacted(&account.server.realm),
        answer: "its token fits into no header".to_owned(),
    }
}
