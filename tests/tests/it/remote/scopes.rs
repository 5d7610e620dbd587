//! What each operation asks a token for.

use futures_util::TryStreamExt as _;
use oras_auth::{Credential, StaticCredential};
use oras_content::{
    Blob, Deleter as _, Location, PredecessorFinder as _, Pusher as _, ReadOnlyStorage as _, Resolver as _,
    TagLister as _, Tagger as _, Untagger as _,
};
use oras_registry::{Accounts, AuthScheme, Permission, RequestKind};
use oras_remote::{Registry, Repository};

use super::harness::{Lab, blob_of, options, push_manifest};

/// A registry that gives out tokens, with a manifest under `v1` in `app`.
async fn lab() -> Lab {
    let accounts = Accounts::new().with_user("me", "secret", [Permission::all()]);
    let lab = Lab::with(|_| {}, options(), |builder| builder.with_auth(AuthScheme::Token, accounts)).await;
    push_manifest(&repository(&lab), "v1", |manifest| manifest).await;
    lab
}

/// A client that has no token yet.
fn registry(lab: &Lab) -> Registry {
    let me = StaticCredential::new(lab.server.host(), Credential::password("me", "secret"));
    Registry::new(&lab.server.host(), options().with_credentials(me)).unwrap()
}

fn repository(lab: &Lab) -> Repository {
    registry(lab).repository("app").unwrap()
}

/// The scopes of the tokens that `work` asks for.
async fn scopes_of<T>(lab: &Lab, work: impl Future<Output = T>) -> Vec<String> {
    let before = lab.targets(RequestKind::Token).len();
    work.await;
    let asked = lab.targets(RequestKind::Token).split_off(before);
    let values =
        asked.iter().flat_map(|target| target.split(['?', '&'])).filter_map(|pair| pair.strip_prefix("scope="));
    values.map(|scope| scope.replace("%3A", ":").replace("%2C", ",").replace("%2A", "*").replace("%20", " ")).collect()
}

#[tokio::test]
async fn each_operation_names_the_scope_that_it_needs() {
    let lab = lab().await;
    let (desc, bytes) = blob_of(1000);
    let manifest = repository(&lab).resolve("v1").await.unwrap();
    let content = || Blob::from_bytes(bytes.clone());
    let fresh = || repository(&lab);
    let repo = fresh();
    assert_eq!(scopes_of(&lab, repo.resolve("v1")).await, ["repository:app:pull"]);
    let repo = fresh();
    assert_eq!(scopes_of(&lab, repo.tags(None).try_collect::<Vec<_>>()).await, ["repository:app:pull"]);
    let repo = fresh();
    assert_eq!(scopes_of(&lab, repo.referrers(&manifest, None)).await, ["repository:app:pull"]);
    let repo = fresh();
    assert_eq!(scopes_of(&lab, repo.exists(&desc)).await, ["repository:app:pull"]);
    let repo = fresh();
    assert_eq!(scopes_of(&lab, repo.push(&desc, content())).await, ["repository:app:pull,push"]);
    let repo = fresh();
    assert_eq!(scopes_of(&lab, repo.tag(&manifest, "v2")).await.last().unwrap(), "repository:app:pull,push");
    let repo = fresh();
    assert_eq!(scopes_of(&lab, repo.untag("v2")).await, ["repository:app:delete"]);
    let repo = fresh();
    assert_eq!(scopes_of(&lab, repo.delete(&desc)).await, ["repository:app:delete"]);
    let catalog = registry(&lab);
    assert_eq!(scopes_of(&lab, catalog.repositories(None).try_collect::<Vec<_>>()).await, ["registry:catalog:*"]);
}

#[tokio::test]
async fn a_mount_asks_for_both_scopes_in_one_token() {
    let lab = lab().await;
    let (desc, bytes) = blob_of(1000);
    registry(&lab).repository("from").unwrap().push(&desc, Blob::from_bytes(bytes.clone())).await.unwrap();
    let (to, from) = (repository(&lab), [Location::new(lab.server.host(), "from")]);
    let scopes = scopes_of(&lab, Box::pin(to.mount(&desc, &from, Blob::from_bytes(bytes)))).await;
    let both = ["repository:app:pull,push", "repository:from:pull"];
    assert!(both.iter().all(|scope| scopes.iter().any(|asked| asked == scope)), "{scopes:?}");
    assert_eq!(lab.server.counters().mounts(), 1);
}
