use std::{
    io,
    sync::{Arc, PoisonError, RwLock},
};

use http::{Response, request::Parts};

use crate::{
    auth::{Actions, Auth, Caller},
    behaviour::{Behaviour, Installed},
    body::{Body, Upload},
    call::Call,
    clock::Clock,
    counters::{Counters, RequestKind},
    dispatch::dispatch,
    error::ApiError,
    finish,
    limits::Limits,
    record::{LogLine, Records},
    routes::Route,
    second_origin::{SecondOrigin, refuse},
    server::Link,
    storage::Storage,
    uploads::Sessions,
};

/// What a registry was built with, and cannot change later.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) limits: Limits,
    pub(crate) read_only: bool,
    pub(crate) deletes: bool,
    pub(crate) sparse: bool,
    pub(crate) automatic_mount: bool,
    pub(crate) recorded: usize,
}

/// The registry itself: it turns requests into answers, whatever carries them.
pub(crate) struct Registry {
    storage: Box<dyn Storage>,
    sessions: Sessions,
    auth: Option<Auth>,
    options: Options,
    clock: Clock,
    counters: Arc<Counters>,
    behaviour: RwLock<Arc<Installed>>,
    records: Records,
    second_origin: Option<SecondOrigin>,
    is_tls: bool,
}

impl Registry {
    pub(crate) fn new(storage: Box<dyn Storage>, options: Options, auth: Option<Auth>, clock: Clock) -> Self {
        let limits = &options.limits;
        Self {
            storage,
            sessions: Sessions::new(clock.clone(), limits.session_idle, limits.sessions),
            auth,
            records: Records::new(options.recorded),
            options,
            clock,
            counters: Arc::new(Counters::new()),
            behaviour: RwLock::new(Installed::new(Behaviour::default())),
            second_origin: None,
            is_tls: false,
        }
    }

    /// Says that the registry is reached by TLS.
    pub(crate) fn set_tls(&mut self) {
        self.is_tls = true;
    }

    pub(crate) fn set_second_origin(&mut self, base: String) {
        self.second_origin = Some(SecondOrigin::new(base));
    }

    pub(crate) fn storage(&self) -> &dyn Storage {
        self.storage.as_ref()
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    pub(crate) fn auth(&self) -> Option<&Auth> {
        self.auth.as_ref()
    }

    pub(crate) fn options(&self) -> &Options {
        &self.options
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.options.limits
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    pub(crate) fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    pub(crate) fn records(&self) -> &Records {
        &self.records
    }

    pub(crate) fn second_origin(&self) -> Option<&SecondOrigin> {
        self.second_origin.as_ref()
    }

    pub(crate) fn set_behaviour(&self, behaviour: Behaviour) {
        *self.behaviour.write().unwrap_or_else(PoisonError::into_inner) = Installed::new(behaviour);
    }

    pub(crate) fn installed(&self) -> Arc<Installed> {
        Arc::clone(&self.behaviour.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What a caller may do in a repository.
    pub(crate) fn actions(&self, caller: &Caller, name: &str) -> Actions {
        self.auth.as_ref().map_or(Actions::ALL, |auth| auth.actions(caller, name))
    }

    /// What the account of a caller may do in a repository, whatever the token says.
    pub(crate) fn account_actions(&self, caller: &Caller, name: &str) -> Actions {
        self.auth.as_ref().map_or(Actions::ALL, |auth| auth.account_actions(caller, name))
    }

    /// Whether anything was ever stored in a repository.
    pub(crate) async fn is_known(&self, name: &str) -> io::Result<bool> {
        Ok(self.storage.repository(name).await?.is_some())
    }

    /// Answers a request; an error is a connection that is to be reset.
    pub(crate) async fn answer(&self, head: Parts, body: Upload) -> io::Result<Response<Body>> {
        let route = Route::parse(head.uri.path());
        let installed = self.installed();
        let call = Call::new(head, route, Arc::clone(&installed), self.is_tls);
        let kind = call.route.kind(&call.head.method);
        self.counters.add_request(kind);
        let line = LogLine::new(&call.head);
        let record = self.records.begin(kind, &call.head);
        let link = call.head.extensions.get::<Link>().cloned();
        let is_head = call.is_head();
        let plan = installed.plan(kind, call.name());
        let body = plan.upload(finish::count_received(body, &self.counters));
        let response = match plan.before().await {
            Some(response) => response,
            None => dispatch(self, call, body).await.unwrap_or_else(ApiError::into_response),
        };
        let response = finish::complete(response, is_head, &installed.behaviour, &self.counters);
        let response = plan.after(response, link);
        let status = response.as_ref().ok().map(Response::status);
        line.write(status);
        self.records.end(record, status);
        response
    }

    /// Answers a request to the second origin.
    pub(crate) async fn answer_signed(&self, head: Parts) -> io::Result<Response<Body>> {
        let installed = self.installed();
        let kind = RequestKind::SecondOrigin;
        self.counters.add_request(kind);
        let record = self.records.begin(kind, &head);
        let link = head.extensions.get::<Link>().cloned();
        let plan = installed.plan(kind, "");
        let response = match plan.before().await {
            Some(response) => response,
            None => self.serve_signed(head, &installed).await.unwrap_or_else(|error| refuse(&error)),
        };
        let response = finish::complete(response, false, &Behaviour::default(), &self.counters);
        let response = plan.after(response, link);
        self.records.end(record, response.as_ref().ok().map(Response::status));
        response
    }

    async fn serve_signed(&self, head: Parts, installed: &Arc<Installed>) -> Result<Response<Body>, ApiError> {
        let unknown = || ApiError::not_found(crate::error::Code::BlobUnknown, "the blob has gone");
        let origin = self.second_origin.as_ref().ok_or_else(unknown)?;
        let (name, digest) = origin.open(&head, &installed.behaviour)?;
        let size = self.storage.blob_size(&name, &digest).await?.ok_or_else(unknown)?;
        let route = Route { name, target: crate::routes::Target::Blob(digest.to_string()) };
        let call = Call::new(head, route, Arc::clone(installed), self.is_tls);
        crate::blobs::serve(self, &call, &digest, size).await
    }
}
