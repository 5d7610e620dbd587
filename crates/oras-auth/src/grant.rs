use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
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

/// No token lives shorter than this, so a younger one is refused for another reason.
const SHORTEST_LIFE: Duration = Duration::from_secs(1);

/// What a request says about who asks.
#[derive(Clone, Debug)]
pub(crate) enum Grant {
    /// A password, or a token that somebody was given.
    Fixed { value: HeaderValue, holder: Option<String> },
    /// A token of a token server.
    Token(Arc<TokenGrant>),
}

impl Grant {
    pub(crate) fn basic(credential: &Credential) -> Self {
        let value = basic(credential.username(), credential.expose_password());
        Self::Fixed { value, holder: credential.holder() }
    }

    /// The token that the credential is.
    pub(crate) fn given(credential: &Credential) -> Option<Self> {
        let value = bearer(credential.expose_access_token())?;
        Some(Self::Fixed { value, holder: credential.holder() })
    }

    pub(crate) fn bearer(grants: &Arc<Grants>, account: Account, scopes: Scopes, token: Token) -> Self {
        let held = Mutex::new(Held::new(token, grants.now()));
        Self::Token(Arc::new(TokenGrant { grants: Arc::clone(grants), account, scopes, held }))
    }

    pub(crate) fn apply(&self, request: &mut Request) {
        let value = match self {
            Self::Fixed { value, .. } => Some(value.clone()),
            Self::Token(grant) => {
                request.extensions_mut().insert(Authorizer::new(Arc::clone(grant) as Arc<dyn Authorize>));
                bearer(&grant.token().secret)
            }
        };
        if let Some(value) = value {
            request.headers_mut().insert(AUTHORIZATION, value);
        }
    }

    /// Who it is about; none when it is nobody in particular.
    pub(crate) fn holder(&self) -> Option<String> {
        match self {
            Self::Fixed { holder, .. } => holder.clone(),
            Self::Token(grant) => grant.account.credential.holder(),
        }
    }

    /// Whether another token would be refused as well at `now`: this one was made after the refusal of an attempt that
    /// began at `since`, and had no time to end on its way.
    pub(crate) fn is_final(&self, since: SystemTime, now: SystemTime) -> bool {
        let Self::Token(grant) = self else { return false };
        let Held { token, left, .. } = grant.held();
        let age = left.duration_since(token.fetched).unwrap_or_default();
        token.fetched >= since && token.expires > now && age < SHORTEST_LIFE
    }

    /// What was said last, to be told from what may be said instead.
    pub(crate) fn secret(&self) -> String {
        match self {
            Self::Fixed { value, .. } => String::from_utf8_lossy(value.as_bytes()).into_owned(),
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
}

#[derive(Clone)]
struct Held {
    token: Token,
    /// The server's word on its end was wrong from the beginning, so it counts for nothing.
    is_endless: bool,
    /// When it was sent last.
    left: SystemTime,
}

impl Held {
    fn new(token: Token, now: SystemTime) -> Self {
        let is_endless = token.expires <= now || token.fresh_until <= now;
        Self { token, is_endless, left: now }
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
        let now = self.grants.now();
        let Held { token, is_endless, .. } = self.held();
        let is_good = is_endless || (now < token.fresh_until && now < token.expires);
        if !is_good || !self.grants.is_held(&self.account, &token.secret) {
            return None;
        }
        self.held.lock().unwrap_or_else(PoisonError::into_inner).left = now;
        bearer(&token.secret)
    }

    fn renew(&self) -> BoxFuture<'_, Result<HeaderValue>> {
        Box::pin(async move {
            let ended = self.token().secret;
            let token = self.grants.fetch(&self.account, &self.scopes, &Scopes::new(), Some(&ended)).await?;
            let value = bearer(&token.secret).ok_or_else(|| unusable(&self.account, &self.scopes))?;
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

fn unusable(account: &Account, scopes: &Scopes) -> AuthError {
    AuthError::NoToken {
        registry: account.registry.authority(),
        scopes: scopes.clone(),
        server: redacted(&account.server.realm),
        answer: "its token fits into no header".to_owned(),
    }
}
