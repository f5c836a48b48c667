//! Accounts, login sessions, invitations, API tokens, the audit.

use crate::harness::contract;
use jiff::{SignedDuration, Timestamp};
use nines_domain::account::{AccountId, Role};
use nines_store::{
    AccountChange, NewAccount, NewInvitation, NewLoginSession, SessionLimits, Store, StoreError,
};
use std::sync::atomic::{AtomicU64, Ordering};

const LIMITS: SessionLimits = SessionLimits {
    idle: SignedDuration::from_hours(12),
    longest: SignedDuration::from_hours(24 * 14),
};

/// A hash that nothing else has.
fn fresh() -> [u8; 32] {
    static MADE: AtomicU64 = AtomicU64::new(0);
    let mut hash = [7; 32];
    hash[..8].copy_from_slice(&MADE.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    hash
}

fn session() -> NewLoginSession {
    NewLoginSession {
        token_hash: fresh(),
        csrf: "csrf".into(),
    }
}

fn account(name: &str) -> NewAccount {
    NewAccount {
        name: name.parse().expect("a name"),
        password_hash: format!("hash of {name}"),
    }
}

fn invitation(role: Role) -> NewInvitation {
    NewInvitation {
        token_hash: fresh(),
        role,
        name: Some("Proposed".parse().expect("a name")),
        expires: Timestamp::now() + SignedDuration::from_hours(1),
    }
}

async fn admin(store: &Store, name: &str) -> AccountId {
    let made = store.create_first_admin(&account(name), &session()).await;
    made.expect("the first admin").account.id
}

async fn joined(store: &Store, by: AccountId, name: &str, role: Role) -> AccountId {
    let new = invitation(role);
    store.invite(&new, by).await.expect("invited");
    let made = store
        .accept_invitation(&new.token_hash, &account(name), &session())
        .await;
    made.expect("accepted").account.id
}

async fn actions(store: &Store) -> Vec<(Option<String>, String)> {
    let entries = store.audit(None, 100).await.expect("listed");
    entries
        .into_iter()
        .rev()
        .map(|entry| (entry.name, entry.entry.action))
        .collect()
}

fn demoted() -> AccountChange {
    AccountChange {
        role: Some(Role::Labeller),
        ..Default::default()
    }
}

fn deactivated() -> AccountChange {
    AccountChange {
        active: Some(false),
        ..Default::default()
    }
}

contract! {
    async fn there_is_one_first_admin(db) {
        let store = db.open().await;
        assert!(!store.has_admin().await.expect("read"));
        let (one, two) = (account("one"), account("two"));
        let (s1, s2) = (session(), session());
        let both = tokio::join!(store.create_first_admin(&one, &s1), store.create_first_admin(&two, &s2));
        let (made, refused) = match both {
            (Ok(made), refused) | (refused, Ok(made)) => (made, refused),
            neither => panic!("{neither:?}"),
        };
        assert!(matches!(refused, Err(StoreError::HasAdmin)), "{refused:?}");
        assert_eq!((made.account.role, made.active), (Role::Admin, true));
        assert!(store.has_admin().await.expect("read"));
        assert_eq!(store.accounts().await.expect("listed"), [made]);
    }

    async fn an_invitation_makes_one_account_and_its_session(db) {
        let store = db.open().await;
        let root = admin(&store, "root").await;
        let new = invitation(Role::Researcher);
        let made = store.invite(&new, root).await.expect("invited");
        assert_eq!((made.role, made.name.as_deref()), (Role::Researcher, Some("Proposed")));
        assert_eq!(store.invitation(&new.token_hash).await.expect("read"), Some(made.clone()));
        assert_eq!(store.open_invitations().await.expect("listed"), [made]);
        let taken = store.accept_invitation(&new.token_hash, &account("ROOT"), &session()).await;
        assert!(matches!(taken, Err(StoreError::Taken { .. })), "{taken:?}");
        let (ann, eve) = (account("Ann"), account("Eve"));
        let (s1, s2) = (session(), session());
        let both = tokio::join!(
            store.accept_invitation(&new.token_hash, &ann, &s1),
            store.accept_invitation(&new.token_hash, &eve, &s2),
        );
        let (made, refused) = match both {
            (Ok(made), refused) | (refused, Ok(made)) => (made, refused),
            neither => panic!("{neither:?}"),
        };
        assert!(matches!(refused, Err(StoreError::NotFound { .. })), "{refused:?}");
        let used = if made.account.name == "Ann" { s1 } else { s2 };
        let session = store.login_session(&used.token_hash, LIMITS).await.expect("read").expect("a session");
        assert_eq!((session.account, session.csrf), (made, "csrf".to_owned()));
        assert_eq!(store.invitation(&new.token_hash).await.expect("read"), None);
        assert_eq!(store.accounts().await.expect("listed").len(), 2);
    }

    async fn a_name_belongs_to_one_account_whatever_its_capitals(db) {
        let store = db.open().await;
        let root = admin(&store, "root").await;
        let (a, b) = (invitation(Role::Labeller), invitation(Role::Labeller));
        store.invite(&a, root).await.expect("invited");
        store.invite(&b, root).await.expect("invited");
        let (lower, upper) = (account("élodie"), account("ÉLODIE"));
        let (s1, s2) = (session(), session());
        let both = tokio::join!(
            store.accept_invitation(&a.token_hash, &lower, &s1),
            store.accept_invitation(&b.token_hash, &upper, &s2),
        );
        let refused = match both {
            (Ok(_), refused) | (refused, Ok(_)) => refused,
            neither => panic!("{neither:?}"),
        };
        assert!(matches!(refused, Err(StoreError::Taken { .. })), "{refused:?}");
        assert_eq!(store.open_invitations().await.expect("listed").len(), 1, "its invitation stays open");
        let (found, hash) = store.credentials(&"Élodie".parse().expect("a name")).await.expect("read").expect("one");
        assert_eq!(hash, format!("hash of {}", found.account.name));
    }

    async fn withdrawn_and_expired_invitations_are_over(db) {
        let store = db.open().await;
        let root = admin(&store, "root").await;
        let expired = NewInvitation {
            expires: Timestamp::now() - SignedDuration::from_secs(2),
            ..invitation(Role::Labeller)
        };
        store.invite(&expired, root).await.expect("invited");
        let new = invitation(Role::Researcher);
        let made = store.invite(&new, root).await.expect("invited");
        let too_high = store.withdraw_invitation(made.id, Role::Labeller, root).await;
        assert!(matches!(too_high, Err(StoreError::NotFound { .. })), "{too_high:?}");
        store.withdraw_invitation(made.id, Role::Admin, root).await.expect("withdrawn");
        let again = store.withdraw_invitation(made.id, Role::Admin, root).await;
        assert!(matches!(again, Err(StoreError::NotFound { .. })), "{again:?}");
        for over in [expired.token_hash, new.token_hash, fresh()] {
            assert_eq!(store.invitation(&over).await.expect("read"), None);
            let refused = store.accept_invitation(&over, &account("ann"), &session()).await;
            assert!(matches!(refused, Err(StoreError::NotFound { .. })), "{refused:?}");
        }
        assert_eq!(store.open_invitations().await.expect("listed"), []);
        assert_eq!(store.accounts().await.expect("listed").len(), 1);
    }

    async fn two_admins_cannot_put_each_other_out(db) {
        let store = db.open().await;
        for round in 0..5 {
            let (a, b) = match round {
                0 => {
                    let a = admin(&store, "a").await;
                    (a, joined(&store, a, "b", Role::Admin).await)
                }
                _ => {
                    let admins: Vec<_> = store.accounts().await.expect("listed").into_iter()
                        .filter(|a| a.account.role == Role::Admin && a.active).collect();
                    assert_eq!(admins.len(), 1);
                    let a = admins[0].account.id;
                    (a, joined(&store, a, &format!("admin {round}"), Role::Admin).await)
                }
            };
            let (c1, c2) = (demoted(), deactivated());
            let both = tokio::join!(store.change_account(b, &c1, a), store.change_account(a, &c2, b));
            let refused = match both {
                (Ok(_), refused) | (refused, Ok(_)) => refused,
                neither => panic!("{neither:?}"),
            };
            assert!(matches!(refused, Err(StoreError::LastAdmin)), "{refused:?}");
        }
    }

    async fn a_session_lives_until_it_ends(db) {
        let store = db.open().await;
        let root = admin(&store, "root").await;
        let (here, there) = (session(), session());
        store.start_session(root, &here).await.expect("signed in");
        store.start_session(root, &there).await.expect("signed in");
        let of = async |new: &NewLoginSession| store.login_session(&new.token_hash, LIMITS).await.expect("read");
        let live = of(&here).await.expect("a session");
        assert_eq!(live.account.account.id, root);
        store.touch_session(&live).await.expect("noted");
        assert_eq!(of(&here).await.expect("a session").last_seen, live.last_seen, "once a minute at most");
        let long_ago = nines_store::LoginSession { last_seen: live.last_seen - SignedDuration::from_mins(2), ..live.clone() };
        store.touch_session(&long_ago).await.expect("noted");
        assert!(of(&here).await.expect("a session").last_seen > live.last_seen);
        let none = SessionLimits { idle: SignedDuration::ZERO, ..LIMITS };
        assert_eq!(store.login_session(&here.token_hash, none).await.expect("read"), None);
        let none = SessionLimits { longest: SignedDuration::ZERO, ..LIMITS };
        assert_eq!(store.login_session(&here.token_hash, none).await.expect("read"), None);
        assert_eq!(store.login_session(&fresh(), LIMITS).await.expect("read"), None);
        store.end_session(&live).await.expect("ended");
        store.end_session(&live).await.expect("ended already");
        assert_eq!(of(&here).await, None);
        assert!(of(&there).await.is_some());
    }

    async fn a_new_password_keeps_one_session(db) {
        let store = db.open().await;
        let root = admin(&store, "root").await;
        let (here, there) = (session(), session());
        store.start_session(root, &here).await.expect("signed in");
        store.start_session(root, &there).await.expect("signed in");
        let kept = store.login_session(&here.token_hash, LIMITS).await.expect("read").map(|s| s.id);
        let stale = store.change_password(root, "another hash", "new", kept).await;
        assert!(matches!(stale, Err(StoreError::NotFound { .. })), "{stale:?}");
        store.change_password(root, "hash of root", "new", kept).await.expect("changed");
        let late = store.start_session_by_password(root, "hash of root", &session()).await;
        assert!(matches!(late, Err(StoreError::NotFound { .. })), "{late:?}");
        store.start_session_by_password(root, "new", &session()).await.expect("signed in");
        let (_, hash) = store.credentials(&"root".parse().expect("a name")).await.expect("read").expect("one");
        assert_eq!(hash, "new");
        assert!(store.login_session(&here.token_hash, LIMITS).await.expect("read").is_some());
        assert!(store.login_session(&there.token_hash, LIMITS).await.expect("read").is_none());
    }

    async fn deactivating_shuts_every_door(db) {
        let store = db.open().await;
        let root = admin(&store, "root").await;
        let ann = joined(&store, root, "ann", Role::Labeller).await;
        let (new, token) = (session(), fresh());
        store.start_session(ann, &new).await.expect("signed in");
        store.make_token(ann, "script", &token).await.expect("made");
        let known = store.account_of_token(&token).await.expect("read").expect("an account");
        assert_eq!(known.account.id, ann);
        let off = store.change_account(ann, &deactivated(), root).await.expect("changed");
        assert!(!off.active);
        assert_eq!(store.login_session(&new.token_hash, LIMITS).await.expect("read"), None);
        assert_eq!(store.account_of_token(&token).await.expect("read"), None);
        assert_eq!(store.credentials(&"ann".parse().expect("a name")).await.expect("read"), None);
        let refused = store.start_session(ann, &session()).await;
        assert!(matches!(refused, Err(StoreError::NotFound { .. })), "{refused:?}");
        let on = AccountChange { active: Some(true), ..Default::default() };
        store.change_account(ann, &on, root).await.expect("changed");
        assert_eq!(store.login_session(&new.token_hash, LIMITS).await.expect("read"), None, "ended for good");
        assert_eq!(store.account_of_token(&token).await.expect("read"), None, "revoked for good");
    }

    async fn whoever_may_do_less_leaves_no_open_invitation(db) {
        let store = db.open().await;
        let root = admin(&store, "root").await;
        for (round, change) in [demoted(), deactivated()].into_iter().enumerate() {
            let other = joined(&store, root, &format!("other {round}"), Role::Admin).await;
            let (theirs, mine) = (invitation(Role::Admin), invitation(Role::Labeller));
            store.invite(&theirs, other).await.expect("invited");
            store.invite(&mine, root).await.expect("invited");
            store.change_account(other, &change, root).await.expect("changed");
            assert_eq!(store.invitation(&theirs.token_hash).await.expect("read"), None);
            assert!(store.invitation(&mine.token_hash).await.expect("read").is_some());
        }
        let gone = store.accounts().await.expect("listed").into_iter().find(|a| !a.active).expect("one");
        let late = store.invite(&invitation(Role::Admin), gone.account.id).await;
        assert!(matches!(late, Err(StoreError::NotFound { .. })), "{late:?}");
        let late = store.make_token(gone.account.id, "late", &fresh()).await;
        assert!(matches!(late, Err(StoreError::NotFound { .. })), "{late:?}");
    }

    async fn tokens_are_their_owners(db) {
        let store = db.open().await;
        let root = admin(&store, "root").await;
        let ann = joined(&store, root, "ann", Role::Labeller).await;
        let hash = fresh();
        let made = store.make_token(ann, "script", &hash).await.expect("made");
        let listed = store.tokens(ann).await.expect("listed");
        assert_eq!(listed, std::slice::from_ref(&made));
        assert_eq!(store.tokens(root).await.expect("listed"), []);
        store.account_of_token(&hash).await.expect("read").expect("an account");
        assert!(store.tokens(ann).await.expect("listed")[0].last_used.is_some());
        let foreign = store.revoke_token(root, made.id).await;
        assert!(matches!(foreign, Err(StoreError::NotFound { .. })), "{foreign:?}");
        store.revoke_token(ann, made.id).await.expect("revoked");
        assert_eq!(store.account_of_token(&hash).await.expect("read"), None);
        assert!(store.make_token(ann, "nul\0", &fresh()).await.is_err());
    }

    async fn the_audit_tells_what_was_done_and_nothing_that_was_not(db) {
        let store = db.open().await;
        let root = admin(&store, "root").await;
        let ann = joined(&store, root, "ann", Role::Labeller).await;
        assert!(matches!(store.change_account(root, &demoted(), root).await, Err(StoreError::LastAdmin)));
        let change = AccountChange { role: Some(Role::Researcher), hourly_cost: Some(Some(20.0)), ..Default::default() };
        let changed = store.change_account(ann, &change, root).await.expect("changed");
        assert_eq!((changed.account.role, changed.hourly_cost), (Role::Researcher, Some(20.0)));
        store.change_account(ann, &change, root).await.expect("changed to the same");
        let wrong = AccountChange { hourly_cost: Some(Some(f64::NAN)), ..Default::default() };
        assert!(matches!(store.change_account(ann, &wrong, root).await, Err(StoreError::BadValue { .. })));
        let by = |name: &str, action: &str| (Some(name.to_owned()), action.to_owned());
        assert_eq!(actions(&store).await, [
            by("root", "account.set_up"),
            by("root", "invitation.made"),
            by("ann", "account.made"),
            by("root", "role.changed"),
            by("root", "cost.changed"),
        ]);
        let newest = store.audit(None, 2).await.expect("listed");
        assert_eq!(newest.len(), 2);
        let older = store.audit(Some(newest[1].id), 10).await.expect("listed");
        assert_eq!(older.len(), 3);
        assert_eq!(older[0].entry.subject, format!("account {ann} (ann)"));
    }

    async fn a_database_knows_itself_again(db) {
        let store = db.open().await;
        let both = tokio::join!(store.identity("one"), store.identity("two"));
        let identity = both.0.expect("read");
        assert_eq!(both.1.expect("read"), identity);
        store.close().await;
        assert_eq!(db.open().await.identity("three").await.expect("read"), identity);
    }
}
