use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use http::Uri;
use oras_transport::Origin;

use crate::{credential::Credential, flight::Flights, scope::Scopes, token::Token};

/// How many tokens are kept before those that have ended are looked for and thrown away.
const MAX_TOKENS: usize = 1024;

/// How each registry wants to be told who asks, and the tokens that serve it.
///
/// A token is found again only by the same registry, token server, service and credential, so a cache may be shared by
/// layers of different accounts. Clones share what they know.
#[derive(Clone, Default)]
pub struct TokenCache(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    fetches: Flights<TokenKey, Token>,
    ignores_scopes: bool,
}

#[derive(Default)]
struct State {
    schemes: HashMap<Origin, Scheme>,
    tokens: HashMap<Account, Vec<(Scopes, Token)>>,
    count: usize,
}

/// How a registry wants to be told who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    Basic,
    Bearer(TokenServer),
}

/// Where tokens for a registry come from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TokenServer {
    pub(crate) realm: Uri,
    pub(crate) service: String,
}

/// Whose tokens they are, and for what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Account {
    pub(crate) registry: Origin,
    pub(crate) server: TokenServer,
    pub(crate) credential: Credential,
}

pub(crate) type TokenKey = (Account, Scopes);

impl TokenCache {
    /// An empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// A cache that gives any token of an account for any scopes, for registries whose challenges name scopes that mean
    /// nothing and whose tokens serve everything.
    pub fn ignoring_scopes() -> Self {
        Self(Arc::new(Shared { ignores_scopes: true, ..Shared::default() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn scheme(&self, registry: &Origin) -> Option<Scheme> {
        self.state().schemes.get(registry).cloned()
    }

    pub(crate) fn set_scheme(&self, registry: &Origin, scheme: Scheme) {
        self.state().schemes.insert(registry.clone(), scheme);
    }

    /// A token that serves the scopes at `now`. After one was rejected, it is another one, and one that lives by its
    /// server's own word.
    pub(crate) fn find(
        &self,
        account: &Account,
        scopes: &Scopes,
        rejected: Option<&str>,
        now: SystemTime,
    ) -> Option<Token> {
        let state = self.state();
        let tokens = state.tokens.get(account)?;
        let serves = |(has, token): &&(Scopes, Token)| {
            token.fresh_until > now
                && rejected.is_none_or(|rejected| rejected != token.secret && token.expires > now)
                && (self.0.ignores_scopes || has.covers(scopes))
        };
        tokens.iter().find(serves).map(|(_, token)| token.clone())
    }

    pub(crate) fn insert(&self, account: &Account, scopes: Scopes, token: Token, now: SystemTime) {
        let mut state = self.state();
        if state.count >= MAX_TOKENS {
            state.tokens.retain(|_, tokens| {
                tokens.retain(|(_, token)| token.fresh_until > now);
                !tokens.is_empty()
            });
            state.count = state.tokens.values().map(Vec::len).sum();
            if state.count >= MAX_TOKENS {
                state.tokens.clear();
                state.count = 0;
            }
        }
        let tokens = state.tokens.entry(account.clone()).or_default();
        let before = tokens.len();
        tokens.retain(|(has, token)| *has != scopes && token.fresh_until > now);
        tokens.push((scopes, token));
        let after = tokens.len();
        state.count = (state.count + after).saturating_sub(before);
    }

    /// Throws a token away that a registry refused.
    pub(crate) fn reject(&self, secret: &str) {
        let mut state = self.state();
        for tokens in state.tokens.values_mut() {
            tokens.retain(|(_, token)| token.secret != secret);
        }
        state.count = state.tokens.values().map(Vec::len).sum();
    }

    pub(crate) fn fetches(&self) -> &Flights<TokenKey, Token> {
        &self.0.fetches
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").field("tokens", &self.state().count).finish_non_exhaustive()
    }
}
