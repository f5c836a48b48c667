//! Accounts, sessions, invitations, tokens of programs, the record of who did what, and what a
//! database knows of itself.

use super::layout::*;
use sea_orm_migration::{prelude::*, schema::*};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tables = [
            account(),
            session(),
            invitation(),
            api_token(),
            audit(),
            fact(),
        ];
        create(manager, tables).await
    }
}

const ROLES: [&str; 3] = ["labeller", "researcher", "admin"];

fn moment_null(name: &'static str) -> ColumnDef {
    timestamp_with_time_zone_null(name)
}

fn account() -> Layout {
    Layout {
        table: table(
            "accounts",
            [
                text("name"),
                text("name_key"),
                word("role", ROLES),
                text_null("password_hash"),
                boolean("active"),
                double_null("hourly_cost"),
                moment("created"),
            ],
        ),
        indexes: vec![unique("accounts", ["name_key"])],
    }
}

fn session() -> Layout {
    let mut table = table(
        "sessions",
        [
            hash("token_hash"),
            text("csrf"),
            big_integer("account_id"),
            moment("created"),
            moment("last_seen"),
            moment_null("ended"),
        ],
    );
    refers(&mut table, "sessions", "account_id", "accounts");
    Layout {
        table,
        indexes: vec![
            unique("sessions", ["token_hash"]),
            index("sessions", ["account_id", "last_seen"]),
        ],
    }
}

fn invitation() -> Layout {
    let mut table = table(
        "invitations",
        [
            hash("token_hash"),
            word("role", ROLES),
            text_null("name"),
            big_integer_null("created_by"),
            moment("created"),
            moment("expires"),
            big_integer_null("accepted_by"),
            moment_null("withdrawn"),
        ],
    );
    refers(&mut table, "invitations", "created_by", "accounts");
    refers(&mut table, "invitations", "accepted_by", "accounts");
    Layout {
        table,
        indexes: vec![unique("invitations", ["token_hash"])],
    }
}

fn api_token() -> Layout {
    let mut table = table(
        "api_tokens",
        [
            hash("token_hash"),
            big_integer("account_id"),
            text("name"),
            moment("created"),
            moment_null("last_used"),
            moment_null("revoked"),
        ],
    );
    refers(&mut table, "api_tokens", "account_id", "accounts");
    Layout {
        table,
        indexes: vec![
            unique("api_tokens", ["token_hash"]),
            index("api_tokens", ["account_id"]),
        ],
    }
}

fn audit() -> Layout {
    let mut table = table(
        "audit",
        [
            big_integer_null("account_id"),
            text("action"),
            text("subject"),
            text("detail"),
            moment("created"),
        ],
    );
    refers(&mut table, "audit", "account_id", "accounts");
    Layout {
        table,
        indexes: vec![],
    }
}

fn fact() -> Layout {
    Layout {
        table: table("facts", [text("name"), text("value")]),
        indexes: vec![unique("facts", ["name"])],
    }
}
