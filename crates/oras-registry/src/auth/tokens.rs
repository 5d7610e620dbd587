use std::{
    collections::HashMap,
    fmt, io,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use super::accounts::Actions;
use crate::clock::Clock;

/// How many tokens of each kind may be in use; when there are more, all are forgotten, and clients ask again. It bounds
/// what clients can make the server keep.
const MAX_TOKENS: usize = 100_000;

/// What a token stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Claims {
    /// Who asked; nobody for an anonymous token.
    pub(crate) user: Option<String>,
    /// What is granted, by repository.
    pub(crate) access: HashMap<String, Actions>,
    /// Whether the catalog is granted.
    pub(crate) catalog: bool,
}

struct Issued {
    claims: Claims,
    expires: SystemTime,
    uses: u64,
}

/// Opaque tokens: random texts that mean something to this server alone.
pub(crate) struct Tokens {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    access: HashMap<String, Issued>,
    refresh: HashMap<String, String>,
}

impl Tokens {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, state: Mutex::default() }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.clock.now()
    }

    /// A token for these claims.
    pub(crate) fn issue(&self, claims: Claims, lifetime: Duration) -> io::Result<String> {
        let token = random_text()?;
        let now = self.clock.now();
        let mut state = self.state();
        if state.access.len() >= MAX_TOKENS {
            state.access.retain(|_, issued| issued.expires > now);
        }
        if state.access.len() >= MAX_TOKENS {
            state.access.clear();
        }
        state.access.insert(token.clone(), Issued { claims, expires: now + lifetime, uses: 0 });
        Ok(token)
    }

    /// What a token stands for, as long as it holds; `limit` is how often it may be used.
    pub(crate) fn claims(&self, token: &str, limit: Option<u64>) -> Option<Claims> {
        let mut state = self.state();
        let issued = state.access.get_mut(token)?;
        issued.uses += 1;
        let holds = issued.expires > self.clock.now() && limit.is_none_or(|limit| issued.uses <= limit);
        holds.then(|| issued.claims.clone())
    }

    /// A refresh token of a user; it does not expire.
    pub(crate) fn issue_refresh(&self, user: &str) -> io::Result<String> {
        let token = random_text()?;
        let mut state = self.state();
        if state.refresh.len() >= MAX_TOKENS {
            state.refresh.clear();
        }
        state.refresh.insert(token.clone(), user.into());
        Ok(token)
    }

    /// The user of a refresh token.
    pub(crate) fn refresh_user(&self, token: &str) -> Option<String> {
        self.state().refresh.get(token).cloned()
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

/// Sixteen random bytes as a text that nobody can guess.
pub(crate) fn random_text() -> io::Result<String> {
    let mut bytes = [0; 16];
    let provider = rustls::crypto::ring::default_provider();
    provider.secure_random.fill(&mut bytes).map_err(|_no_detail| io::Error::other("no random numbers"))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(user: &str) -> Claims {
        Claims { user: Some(user.into()), ..Claims::default() }
    }

    #[test]
    fn tokens_expire() {
        let clock = Clock::manual();
        let tokens = Tokens::new(clock.clone());
        let token = tokens.issue(claims("a"), Duration::from_secs(60)).unwrap();
        clock.advance(Duration::from_secs(59));
        assert_eq!(tokens.claims(&token, None), Some(claims("a")));
        clock.advance(Duration::from_secs(1));
        assert_eq!(tokens.claims(&token, None), None);
    }

    #[test]
    fn tokens_can_be_used_up() {
        let tokens = Tokens::new(Clock::system());
        let token = tokens.issue(claims("a"), Duration::from_secs(60)).unwrap();
        let answers = [(); 3].map(|()| tokens.claims(&token, Some(2)).is_some());
        assert_eq!(answers, [true, true, false]);
    }

    #[test]
    fn a_refresh_token_is_no_access_token() {
        let tokens = Tokens::new(Clock::system());
        let refresh = tokens.issue_refresh("a").unwrap();
        assert_eq!(tokens.refresh_user(&refresh), Some("a".into()));
        assert_eq!(tokens.claims(&refresh, None), None);
        assert_ne!(refresh, tokens.issue_refresh("a").unwrap());
    }
}
