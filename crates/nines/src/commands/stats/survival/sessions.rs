//! Attack sessions from a file, by group.

use crate::cli::SurvivalArgs;
use crate::commands::stats::rows::{self, Names};
use crate::output::Output;
use anyhow::{Result, bail};
use nines_stats::attack_time::AttackSession;
use std::collections::BTreeSet;

/// The sessions of one group.
pub struct Group {
    /// Its name; none where the file has no groups.
    pub name: Option<String>,
    /// Its sessions.
    pub sessions: Vec<AttackSession>,
}

/// The groups of a file.
pub struct Sessions {
    /// The groups, in the order of the file or as they were asked for.
    pub groups: Vec<Group>,
    /// Whether the attackers are known.
    pub by_attacker: bool,
}

/// Reads the sessions.
pub fn read(args: &SurvivalArgs, output: &Output) -> Result<Sessions> {
    let (mut groups, mut attackers) = (Names::new("group"), Names::new("attacker"));
    let mut read = Vec::new();
    let known = ["minutes", "found", "group", "attacker"];
    rows::each(&args.input, &known, output, |row| {
        let time = row.needed("minutes", row.number("minutes")?)?;
        if time < 0.0 {
            let reason = format!("is {time}, but a session cannot last less than 0 minutes");
            return Err(row.bad("minutes", reason).into());
        }
        let found = row.needed("found", row.yes_or_no("found")?)?;
        groups.push(row)?;
        attackers.push(row)?;
        read.push((time, found));
        Ok(())
    })?;
    let attackers = attackers.known();
    let by_attacker = attackers.is_some();
    let numbers = attackers.map_or_else(|| vec![0; read.len()], |names| rows::numbered(&names));
    let sessions = read
        .into_iter()
        .zip(numbers)
        .map(|((time, found), attacker)| AttackSession {
            time,
            found,
            attacker,
        });
    let groups = match groups.known() {
        None => {
            if args.groups.is_some() {
                bail!(
                    "--groups: the rows of {} have no field `group`",
                    rows::name(&args.input.file)
                );
            }
            vec![Group {
                name: None,
                sessions: sessions.collect(),
            }]
        }
        Some(names) => grouped(sessions.zip(names), args)?,
    };
    Ok(Sessions {
        groups,
        by_attacker,
    })
}

fn grouped(
    sessions: impl Iterator<Item = (AttackSession, String)>,
    args: &SurvivalArgs,
) -> Result<Vec<Group>> {
    let mut groups: Vec<Group> = Vec::new();
    for (session, name) in sessions {
        match groups.iter_mut().find(|g| g.name.as_ref() == Some(&name)) {
            Some(group) => group.sessions.push(session),
            None => groups.push(Group {
                name: Some(name),
                sessions: vec![session],
            }),
        }
    }
    let Some(wanted) = &args.groups else {
        return Ok(groups);
    };
    let mut chosen: Vec<Group> = Vec::new();
    for name in wanted {
        match groups.iter().position(|g| g.name.as_ref() == Some(name)) {
            Some(at) => chosen.push(groups.swap_remove(at)),
            None => {
                let left: Vec<&str> = groups.iter().filter_map(|g| g.name.as_deref()).collect();
                bail!(
                    "--groups {name}: no session of {} is in this group (or it is named twice); others \
                     are {}",
                    rows::name(&args.input.file),
                    left.join(", ")
                );
            }
        }
    }
    Ok(chosen)
}

impl Group {
    /// Says how many attackers there are.
    pub fn attackers(&self) -> usize {
        let numbers: BTreeSet<u64> = self.sessions.iter().map(|s| s.attacker).collect();
        numbers.len()
    }
}
