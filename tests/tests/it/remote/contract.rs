//! The contract of the roles, over registries that behave in different ways.

use std::sync::atomic::{AtomicU64, Ordering};

use http::StatusCode;
use oras_auth::{Credential, StaticCredential};
use oras_registry::{Accounts, AuthScheme, Behaviour, LocationStyle, Permission, RangeQuirk, Redirect, ReferrersQuirk};
use oras_remote::{Registry, RegistryOptions, UploadStrategy};
use oras_testing::contract::{self, Capabilities, Capability};

use super::harness::{Lab, options};

async fn check(name: &str, registry: &Registry, capabilities: Capabilities) {
    let count = AtomicU64::new(0);
    let fresh = async |_rule: &'static str| {
        registry.repository(&format!("contract/{}", count.fetch_add(1, Ordering::Relaxed))).unwrap()
    };
    contract::check(name, &capabilities, fresh).await;
}

fn all() -> Capabilities {
    Capabilities::all().without(Capability::Predecessors)
}

async fn check_with(name: &str, change: impl FnOnce(&mut Behaviour), options: RegistryOptions) {
    let lab = Lab::with(change, options, |builder| builder.with_second_origin()).await;
    check(name, &lab.registry, all()).await;
}

#[tokio::test]
async fn the_contract_holds_without_the_referrers_api() {
    let unsupported = |behaviour: &mut Behaviour| {
        behaviour.lists.referrers = ReferrersQuirk::Status(StatusCode::NOT_FOUND);
    };
    check_with("no referrers API", unsupported, options()).await;
}

#[tokio::test]
async fn the_contract_holds_where_blobs_are_redirected_and_ranges_ignored() {
    let storage = |behaviour: &mut Behaviour| {
        behaviour.blobs.redirect = Redirect::SecondOrigin;
        behaviour.blobs.ranges = RangeQuirk::Ignored;
        behaviour.uploads.location = LocationStyle::Rotating;
    };
    check_with("redirects", storage, options()).await;
}

#[tokio::test]
async fn the_contract_holds_with_every_strategy_of_upload() {
    for strategy in [UploadStrategy::Post, UploadStrategy::Chunked(100_000), UploadStrategy::Stream] {
        check_with(&format!("{strategy:?}"), |_| {}, options().with_upload_strategy(strategy)).await;
    }
}

#[tokio::test]
async fn the_contract_holds_with_basic_credentials_and_with_tokens() {
    for scheme in [AuthScheme::Basic, AuthScheme::Token] {
        let accounts = Accounts::new().with_user("me", "secret", [Permission::all()]);
        let lab = Lab::with(|_| {}, options(), |builder| builder.with_auth(scheme, accounts)).await;
        let me = StaticCredential::new(lab.server.host(), Credential::password("me", "secret"));
        let registry = Registry::new(&lab.server.host(), options().with_credentials(me)).unwrap();
        check(&format!("{scheme:?}"), &registry, all()).await;
    }
}
