//! The layout of the database, as a list of changes that are applied in order and never edited
//! once released.

mod layout;
mod m0001_first;
mod m0002_failed_draws;
mod m0003_label_predicate;
mod m0004_measurement;
mod m0005_accounts;
mod m0006_labelling;
mod m0007_jobs;
mod m0008_lineage;
mod m0009_resets;
mod m0010_attacks;
mod m0011_rewriting;
mod m0012_unfamiliarity;
mod m0013_sweeps;
mod m0014_acquisitions;

use sea_orm_migration::prelude::*;

/// The table that says which changes a database has had.
pub(crate) const MIGRATION_TABLE: &str = "nines_migrations";

/// Applies the changes.
pub(crate) struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_first::Migration),
            Box::new(m0002_failed_draws::Migration),
            Box::new(m0003_label_predicate::Migration),
            Box::new(m0004_measurement::Migration),
            Box::new(m0005_accounts::Migration),
            Box::new(m0006_labelling::Migration),
            Box::new(m0007_jobs::Migration),
            Box::new(m0008_lineage::Migration),
            Box::new(m0009_resets::Migration),
            Box::new(m0010_attacks::Migration),
            Box::new(m0011_rewriting::Migration),
            Box::new(m0012_unfamiliarity::Migration),
            Box::new(m0013_sweeps::Migration),
            Box::new(m0014_acquisitions::Migration),
        ]
    }

    fn migration_table_name() -> DynIden {
        MIGRATION_TABLE.into_iden()
    }
}

/// Returns the names of the changes that this nines knows, oldest first.
pub(crate) fn known() -> Vec<String> {
    Migrator::migrations()
        .iter()
        .map(|migration| migration.name().to_owned())
        .collect()
}
