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
    refreshes: Flights<Account, ()>,
    ignores_scopes: bool,
}

#[derive(Default)]
struct State {
    schemes: HashMap<Origin, Scheme>,
    tokens: HashMap<Account, Vec<Kept>>,
    count: usize,
    renewals: HashMap<Account, Renewal>,
}

/// What a token server did with the refresh token that it was shown last.
#[derive(Clone, Default)]
pub(crate) enum Renewal {
    #[default]
    Unknown,
    /// It stays what it was: another one that was given before, or the account's own.
    Same(Option<String>),
    /// It gave another one, and may refuse the old one from then on.
    Other(String),
}

impl Renewal {
    /// The refresh token to show in place of the account's own.
    pub(crate) fn token(&self) -> Option<&str> {
        match self {
            Self::Unknown | Self::Same(None) => None,
            Self::Same(Some(token)) | Self::Other(token) => Some(token),
        }
    }
}

/// A token, and what it serves.
struct Kept {
    scopes: Scopes,
    token: Token,
    /// The server gave it in place of one for exactly these scopes: what it serves of them is not known.
    is_makeshift: bool,
}

impl Kept {
    fn serves(&self, scopes: &Scopes) -> bool {
        if self.is_makeshift { self.scopes == *scopes } else { self.scopes.covers(scopes) }
    }
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
        let serves = |kept: &&Kept| {
            let token = &kept.token;
            token.fresh_until > now
                && rejected.is_none_or(|rejected| rejected != token.secret && token.expires > now)
                && (self.0.ignores_scopes || kept.serves(scopes))
        };
        tokens.iter().find(serves).map(|kept| kept.token.clone())
    }

    /// Whether a token is still kept: nobody refused it, and no other one took its place.
    pub(crate) fn holds(&self, account: &Account, secret: &str) -> bool {
        let state = self.state();
        state.tokens.get(account).is_some_and(|tokens| tokens.iter().any(|kept| kept.token.secret == secret))
    }

    /// Keeps a token for `scopes`. Where its server gave it for others, `given`, it serves those, and exactly these.
    pub(crate) fn insert(
        &self,
        account: &Account,
        scopes: &Scopes,
        given: Option<&Scopes>,
        token: &Token,
        now: SystemTime,
    ) {
        let mut state = self.state();
        let state = &mut *state;
        state.make_room(now);
        let tokens = state.tokens.entry(account.clone()).or_default();
        let before = tokens.len();
        let new = given.into_iter().map(|given| (given, false)).chain([(scopes, given.is_some())]);
        for (scopes, is_makeshift) in new {
            tokens.retain(|kept| kept.scopes != *scopes && kept.token.fresh_until > now);
            tokens.push(Kept { scopes: scopes.clone(), token: token.clone(), is_makeshift });
        }
        state.count = (state.count + tokens.len()).saturating_sub(before);
    }

    pub(crate) fn renewal(&self, account: &Account) -> Renewal {
        self.state().renewals.get(account).cloned().unwrap_or_default()
    }

    pub(crate) fn set_renewal(&self, account: &Account, renewal: Renewal) {
        let mut state = self.state();
        if state.renewals.len() >= MAX_TOKENS {
            state.renewals.clear();
        }
        state.renewals.insert(account.clone(), renewal);
    }

    /// Throws a token away that a registry refused.
    pub(crate) fn reject(&self, secret: &str) {
        let mut state = self.state();
        for tokens in state.tokens.values_mut() {
            tokens.retain(|kept| kept.token.secret != secret);
        }
        state.count_again();
    }

    pub(crate) fn fetches(&self) -> &Flights<TokenKey, Token> {
        &self.0.fetches
    }

    /// The turns of those who show the refresh token of one account.
    pub(crate) fn refreshes(&self) -> &Flights<Account, ()> {
        &self.0.refreshes
    }
}

impl State {
    fn make_room(&mut self, now: SystemTime) {
        if self.count < MAX_TOKENS {
            return;
        }
        for tokens in self.tokens.values_mut() {
            tokens.retain(|kept| kept.token.fresh_until > now);
        }
        self.count_again();
        if self.count >= MAX_TOKENS {
            self.tokens.clear();
            self.count = 0;
        }
    }

    fn count_again(&mut self) {
        self.tokens.retain(|_, tokens| !tokens.is_empty());
        self.count = self.tokens.values().map(Vec::len).sum();
    }
}

impl fmt::Debug for TokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").field("tokens", &self.state().count).finish_non_exhaustive()
    }
}
