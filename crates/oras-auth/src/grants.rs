use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use http::Uri;
use oras_content::{ErrorKind, Result};
use oras_transport::{HttpClient, Origin};

use crate::{
    cache::{Account, Renewal, Scheme, TokenCache, TokenServer},
    challenge::Challenge,
    credential::Credential,
    error::AuthError,
    fetch::{Given, TokenRequest},
    flight::{Entry, Flights, Turn},
    grant::Grant,
    layer::{AuthLayer, Settings},
    realm,
    scope::Scopes,
    target::Target,
    token::Token,
};

/// How many credentials are remembered between requests: one for each repository in use.
const MAX_REMEMBERED: usize = 4096;

/// How long a request waits for what another one may learn. A registry that takes longer is asked by all at once.
const PATIENCE: Duration = Duration::from_secs(2);

/// Who is asked, under which name, and about what.
type Place = (Origin, String, Option<String>);

/// The duty of the first request to a registry: to find out how it wants to be told who asks.
pub(crate) type Scout<'a> = Turn<'a, Origin, ()>;

/// What can be said without asking a token server.
enum Kept {
    /// All that there is to say, which may be nothing.
    Known(Option<Grant>),
    /// A token is wanted for somebody.
    Wanted(Box<Account>),
}

/// Makes grants, and remembers what made them.
pub(crate) struct Grants {
    client: HttpClient,
    layer: AuthLayer,
    cache: TokenCache,
    remembered: Mutex<HashMap<Place, Credential>>,
    lookups: Flights<Place, Credential>,
    scouts: Flights<Origin, ()>,
    /// What anybody may do, as was seen.
    open: Mutex<HashMap<Origin, Scopes>>,
}

impl Grants {
    pub(crate) fn new(client: HttpClient, layer: AuthLayer) -> Self {
        let cache = layer.0.cache.clone().unwrap_or_default();
        let (remembered, open) = (Mutex::default(), Mutex::default());
        Self { client, layer, cache, remembered, lookups: Flights::default(), scouts: Flights::default(), open }
    }

    pub(crate) fn client(&self) -> &HttpClient {
        &self.client
    }

    fn settings(&self) -> &Settings {
        &self.layer.0
    }

    pub(crate) fn now(&self) -> SystemTime {
        (self.settings().clock)()
    }

    fn keeps(&self) -> bool {
        self.settings().cache.is_some()
    }

    /// Whether it is known how the registry wants to be told who asks.
    pub(crate) fn is_known(&self, target: &Target) -> bool {
        self.keeps() && self.cache.scheme(&target.origin).is_some()
    }

    /// Whether a request like this one was answered without anybody saying who asks.
    pub(crate) fn is_open(&self, target: &Target) -> bool {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(&target.origin).is_some_and(|scopes| scopes.covers(&target.scopes))
    }

    /// Notes that a request was answered without anybody saying who asks.
    pub(crate) fn note_open(&self, target: &Target) {
        if self.is_open(target) {
            return;
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let scopes = open.remove(&target.origin).unwrap_or_default();
        // What is shared with requests to come is compared faster.
        let covers_all = target.scopes.covers(&scopes);
        let scopes = if covers_all { target.scopes.clone() } else { scopes.merged(&target.scopes) };
        open.insert(target.origin.clone(), scopes);
    }

    /// Waits for the first request to a registry of which nothing is known, unless the caller is it.
    ///
    /// It waits without holding anything that the first one could need, and not for ever: the first one may be slow, or
    /// its future may rest while its owner awaits this very request.
    pub(crate) async fn scout(&self, target: &Target) -> Option<Scout<'_>> {
        if !self.keeps() || self.is_known(target) || self.has_answered(target) {
            return None;
        }
        match tokio::time::timeout(PATIENCE, self.scouts.enter(&target.origin)).await {
            Ok(Entry::Mine(turn)) if !self.is_known(target) => Some(turn),
            _ => None,
        }
    }

    /// Whether the registry ever answered anybody.
    pub(crate) fn has_answered(&self, target: &Target) -> bool {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&target.origin)
    }

    /// What to say without being asked: nothing to a registry that has not asked before.
    pub(crate) async fn known(self: &Arc<Self>, target: &Target) -> Result<Option<Grant>> {
        let Some(scheme) = self.cache.scheme(&target.origin).filter(|_| self.keeps()) else {
            return Ok(None);
        };
        let remembered = self.recall(target).map(|credential| self.kept(target, &scheme, credential));
        match remembered {
            Some(Kept::Known(grant)) => Ok(grant),
            // Most requests need none of this, so it takes no room in their futures.
            Some(Kept::Wanted(_)) | None => Box::pin(self.fetched(target, scheme)).await,
        }
    }

    async fn fetched(self: &Arc<Self>, target: &Target, scheme: Scheme) -> Result<Option<Grant>> {
        let credential = match self.recall(target) {
            Some(credential) => credential,
            None => self.look_up(target).await?,
        };
        match self.kept(target, &scheme, credential) {
            Kept::Known(grant) => Ok(grant),
            Kept::Wanted(account) => {
                let token = self.fetch(&account, &target.scopes, &Scopes::new(), None).await?;
                Ok(Some(Grant::bearer(self, *account, target.scopes.clone(), token)))
            }
        }
    }

    /// What to say by a scheme, as far as it is known.
    fn kept(self: &Arc<Self>, target: &Target, scheme: &Scheme, credential: Credential) -> Kept {
        match scheme {
            Scheme::Basic => Kept::Known(credential.has_password().then(|| Grant::basic(&credential))),
            Scheme::Bearer(_) if !credential.expose_access_token().is_empty() => Kept::Known(Grant::given(&credential)),
            Scheme::Bearer(server) => {
                let account = self.account(target, server.clone(), credential);
                match self.cache.find(&account, &target.scopes, None, self.now()) {
                    Some(token) => Kept::Known(Some(Grant::bearer(self, account, target.scopes.clone(), token))),
                    // Without scopes nothing says that a token is wanted at all.
                    None if target.scopes.is_empty() => Kept::Known(None),
                    None => Kept::Wanted(Box::new(account)),
                }
            }
        }
    }

    /// What to say after a refusal of `refused`; none when there is nothing else to say.
    pub(crate) async fn other(
        self: &Arc<Self>,
        target: &Target,
        uri: &Uri,
        challenges: &[Challenge],
        refused: Option<&Grant>,
    ) -> Result<Option<Grant>> {
        let asked = challenges.iter().find_map(|challenge| challenge.parameter("scope")).unwrap_or_default();
        let asked = Scopes::parse(asked);
        let Some(scheme) = self.scheme(target, uri, challenges)? else {
            return Ok(None);
        };
        self.cache.set_scheme(&target.origin, scheme.clone());
        let rejected = refused.map(Grant::secret);
        let rejected = rejected.as_deref();
        let is_too_weak = |challenge: &Challenge| challenge.parameter("error") == Some("insufficient_scope");
        if let Some(rejected) = rejected.filter(|_| !challenges.iter().any(is_too_weak)) {
            self.cache.reject(rejected);
        }
        match scheme {
            Scheme::Basic => self.basic(target, rejected).await,
            Scheme::Bearer(server) => self.bearer(target, server, &asked, rejected).await,
        }
    }

    /// The scheme of a challenge, the better one of several; without a challenge the one that is known.
    fn scheme(&self, target: &Target, uri: &Uri, challenges: &[Challenge]) -> Result<Option<Scheme>> {
        if challenges.is_empty() {
            return Ok(self.cache.scheme(&target.origin));
        }
        let bearers = challenges.iter().filter(|challenge| challenge.scheme == "bearer");
        let mut with_realm = bearers.filter_map(|challenge| Some((challenge, challenge.parameter("realm")?)));
        if let Some((challenge, realm)) = with_realm.next() {
            let realm = realm::checked(uri, realm)?;
            let service = challenge.parameter("service").unwrap_or_default().to_owned();
            return Ok(Some(Scheme::Bearer(TokenServer { realm, service })));
        }
        Ok(challenges.iter().any(|challenge| challenge.scheme == "basic").then_some(Scheme::Basic))
    }

    async fn basic(&self, target: &Target, rejected: Option<&str>) -> Result<Option<Grant>> {
        let credential = self.look_up(target).await?;
        let (registry, scopes) = (target.registry(), target.scopes.clone());
        if credential.is_anonymous() {
            return Err(AuthError::NoCredential { registry, scopes }.into());
        }
        if !credential.has_password() {
            return Err(AuthError::Incomplete { registry, scopes }.into());
        }
        let grant = Grant::basic(&credential);
        Ok((rejected != Some(grant.secret().as_str())).then_some(grant))
    }

    async fn bearer(
        self: &Arc<Self>,
        target: &Target,
        server: TokenServer,
        asked: &Scopes,
        rejected: Option<&str>,
    ) -> Result<Option<Grant>> {
        let scopes = target.scopes.with_challenge(asked);
        if let Some(known) = self.recall(target).filter(|_| self.keeps()) {
            let account = self.account(target, server.clone(), known);
            if let Some(token) = self.cache.find(&account, &scopes, rejected, self.now()) {
                return Ok(Some(Grant::bearer(self, account, scopes, token)));
            }
        }
        let credential = self.look_up(target).await?;
        if !credential.expose_access_token().is_empty() {
            return Ok(Grant::given(&credential).filter(|grant| rejected != Some(grant.secret().as_str())));
        }
        let account = self.account(target, server, credential);
        let token = self.fetch(&account, &scopes, asked, rejected).await?;
        Ok(Some(Grant::bearer(self, account, scopes, token)))
    }

    /// A token that is kept, or a new one. Those who want the same at the same time share one request.
    pub(crate) async fn fetch(
        &self,
        account: &Account,
        scopes: &Scopes,
        asked: &Scopes,
        rejected: Option<&str>,
    ) -> Result<Token> {
        let work = async {
            if let Some(token) = self.cache.find(account, scopes, rejected, self.now()).filter(|_| self.keeps()) {
                return Ok(token);
            }
            let (mut token, given) = self.ask(account, scopes, asked).await?;
            token.refresh_token = None;
            if self.keeps() {
                self.cache.insert(account, scopes, given.as_ref(), &token, self.now());
            }
            Ok(token)
        };
        self.cache.fetches().run(&(account.clone(), scopes.clone()), work).await
    }

    /// Asks the token server, with the refresh token that it gave last where it gives another one each time.
    async fn ask(&self, account: &Account, scopes: &Scopes, asked: &Scopes) -> Result<Given> {
        let own = account.credential.expose_refresh_token();
        if own.is_empty() {
            return self.token_request(account, own).fetch(scopes, asked).await;
        }
        let turn = self.refresh_turn(account).await;
        let mut shown = self.cache.renewal(account).token().unwrap_or(own).to_owned();
        let mut given = self.token_request(account, &shown).fetch(scopes, asked).await;
        let is_refused = given.as_ref().is_err_and(|error| error.kind() == ErrorKind::Unauthorized);
        if let Some(other) = is_refused.then(|| self.other_refresh_token(account, &shown)).flatten() {
            given = self.token_request(account, &other).fetch(scopes, asked).await;
            shown = other;
        }
        let given = given?;
        let renewal = match given.0.refresh_token.clone().filter(|next| *next != shown) {
            Some(next) => Renewal::Other(next),
            None => Renewal::Same(Some(shown).filter(|shown| shown != own)),
        };
        self.cache.set_renewal(account, renewal);
        if let Some(turn) = turn {
            turn.finish(Ok(()))?;
        }
        Ok(given)
    }

    fn token_request<'a>(&'a self, account: &'a Account, refresh_token: &'a str) -> TokenRequest<'a> {
        let Settings { tokens: options, clock, .. } = self.settings();
        TokenRequest { client: &self.client, account, refresh_token, options, clock: clock.as_ref() }
    }

    /// Waits until nobody else shows the refresh token of an account, unless its server is known to leave it as it is: one
    /// that gives another refuses those who show the old one at the same time.
    ///
    /// It waits for none of them for ever, as in [`scout`](Self::scout): each one before it has that long.
    async fn refresh_turn(&self, account: &Account) -> Option<Turn<'_, Account, ()>> {
        while !matches!(self.cache.renewal(account), Renewal::Same(_)) {
            if let Entry::Mine(turn) =
                tokio::time::timeout(PATIENCE, self.cache.refreshes().enter(account)).await.ok()?
            {
                return Some(turn);
            }
        }
        None
    }

    /// What to show in place of a refresh token that was refused: one that came meanwhile, or the account's own. The refused
    /// one is kept until another is taken: perhaps only the scopes were refused.
    fn other_refresh_token(&self, account: &Account, refused: &str) -> Option<String> {
        if let Some(newer) = self.cache.renewal(account).token().filter(|newer| *newer != refused) {
            return Some(newer.to_owned());
        }
        let own = account.credential.expose_refresh_token();
        (own != refused).then(|| own.to_owned())
    }

    /// Whether a token may be sent: others have not seen it refused.
    pub(crate) fn is_held(&self, account: &Account, secret: &str) -> bool {
        !self.keeps() || self.cache.holds(account, secret)
    }

    fn account(&self, target: &Target, server: TokenServer, credential: Credential) -> Account {
        let realm = Origin::of(&server.realm);
        let may_see = self.settings().realm_hosts.as_ref().is_none_or(|hosts| {
            realm.as_ref().is_some_and(|realm| {
                realm.host() == target.origin.host() || hosts.iter().any(|host| host == realm.host())
            })
        });
        let credential = if may_see { credential } else { Credential::anonymous() };
        Account { registry: target.origin.clone(), server, credential }
    }

    fn recall(&self, target: &Target) -> Option<Credential> {
        let place = place(target);
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner).get(&place).cloned()
    }

    /// Asks the provider, which may have changed its mind.
    async fn look_up(&self, target: &Target) -> Result<Credential> {
        let place = place(target);
        let provider = &self.settings().provider;
        let work = provider.credential(&place.1, place.2.as_deref());
        let credential = self.lookups.run(&place, work).await?;
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MAX_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(place, credential.clone());
        Ok(credential)
    }
}

fn place(target: &Target) -> Place {
    (target.origin.clone(), target.registry(), target.repository().map(str::to_owned))
}
