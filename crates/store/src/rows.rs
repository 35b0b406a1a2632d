//! Agents and revocations as rows, and back. A row that does not read back is a failure, not an agent less.

use bailiwick_identity::{
    Agent, AgentId, AgentKey, Basis, Reason, Revocable, Revocation, Status, Subject, Withdrawal, Withdrawn,
};
use bailiwick_policy::ScopeSet;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::error::StoreError;

const COLUMNS: &str =
    "id, issuer, subject, owner, capabilities, status, reason, epoch, injections, registered_at, updated_at";

/// A number of the row of that name.
pub(crate) fn meta(connection: &Connection, name: &str) -> Result<u64, StoreError> {
    let mut statement = connection.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    Ok(unsigned(statement.query_row([name], |row| row.get(0))?))
}

pub(crate) fn set_meta(connection: &Connection, name: &str, value: u64) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached("UPDATE meta SET value = ?2 WHERE name = ?1")?;
    statement.execute(params![name, signed(value)])?;
    Ok(())
}

/// Whatever follows may take authority away: readers look again.
pub(crate) fn next_epoch(connection: &Connection) -> Result<u64, StoreError> {
    let epoch = meta(connection, "epoch")?.saturating_add(1);
    set_meta(connection, "epoch", epoch)?;
    Ok(epoch)
}

pub(crate) fn agents(connection: &Connection) -> Result<Vec<Agent>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM agents ORDER BY id"))?;
    let mut rows = statement.query([])?;
    let mut agents = Vec::new();
    while let Some(row) = rows.next()? {
        agents.push(agent(connection, row)?);
    }
    Ok(agents)
}

pub(crate) fn agent_by_id(connection: &Connection, id: &AgentId) -> Result<Option<Agent>, StoreError> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM agents WHERE id = ?1"))?;
    let mut rows = statement.query([id.as_str()])?;
    rows.next()?.map(|row| agent(connection, row)).transpose()
}

pub(crate) fn agent_by_subject(
    connection: &Connection,
    issuer: &str,
    subject: &Subject,
) -> Result<Option<Agent>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM agents WHERE issuer = ?1 AND subject = ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query([issuer, subject.as_str()])?;
    rows.next()?.map(|row| agent(connection, row)).transpose()
}

/// Adds agents of which none has a row.
pub(crate) fn insert<'a>(
    connection: &Connection,
    agents: impl IntoIterator<Item = &'a Agent>,
) -> Result<(), StoreError> {
    let sql = format!("INSERT INTO agents ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");
    let mut into_agents = connection.prepare_cached(&sql)?;
    let sql =
        "INSERT INTO agent_keys (thumbprint, agent, place, jwk, not_before, expires) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let mut into_keys = connection.prepare_cached(sql)?;
    for agent in agents {
        into_agents.execute(params![
            agent.id.as_str(),
            agent.issuer,
            agent.subject.as_str(),
            agent.owner,
            agent.capabilities.to_string(),
            agent.status.as_str(),
            agent.reason.as_ref().map(Reason::as_str),
            signed(agent.epoch),
            signed(agent.injections),
            signed(agent.registered_at),
            signed(agent.updated_at),
        ])?;
        for (place, key) in (0_i64..).zip(&agent.keys) {
            into_keys.execute(params![
                key.thumbprint().to_string(),
                agent.id.as_str(),
                place,
                key.jwk().to_string(),
                signed(key.not_before()),
                key.expires().map(signed),
            ])?;
        }
    }
    Ok(())
}

/// Puts agents in the place of their rows.
pub(crate) fn replace(connection: &Connection, agents: &[&Agent]) -> Result<(), StoreError> {
    let mut delete = connection.prepare_cached("DELETE FROM agents WHERE id = ?1")?;
    // All first: two may exchange a subject or a key.
    for agent in agents {
        delete.execute([agent.id.as_str()])?;
    }
    insert(connection, agents.iter().copied())
}

/// Records a revocation that is not on record yet.
pub(crate) fn revoke(
    connection: &Connection,
    what: &Revocable,
    reason: Option<&Reason>,
    now: u64,
) -> Result<(), StoreError> {
    let (kind, name) = what.named();
    let epoch = next_epoch(connection)?;
    let mut statement = connection.prepare_cached("INSERT OR IGNORE INTO revocations VALUES (?1, ?2, ?3, ?4, ?5)")?;
    statement.execute(params![kind, name, reason.map(Reason::as_str), signed(now), signed(epoch)])?;
    Ok(())
}

pub(crate) fn revocations(connection: &Connection) -> Result<Vec<Revocation>, StoreError> {
    let sql = "SELECT kind, name, reason, at FROM revocations ORDER BY epoch DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut revocations = Vec::new();
    while let Some(row) = rows.next()? {
        let (kind, name): (String, String) = (row.get(0)?, row.get(1)?);
        let what = Revocable::parse(&kind, &name).ok_or_else(|| malformed("revocation", &name))?;
        revocations.push(Revocation { what, reason: reason(row.get(2)?, &name)?, at: unsigned(row.get(3)?) });
    }
    Ok(revocations)
}

/// What a run's basis is worth at second `now`.
pub(crate) enum Standing {
    Gone(Withdrawal),
    /// It stands, at most until that second.
    Good(Option<u64>),
}

pub(crate) fn standing(connection: &Connection, basis: &Basis, now: u64) -> Result<Standing, StoreError> {
    let gone = |what, reason| Ok(Standing::Gone(Withdrawal { what, reason }));
    if let Some((id, epoch)) = &basis.agent {
        let sql = "SELECT status, epoch, reason FROM agents WHERE id = ?1";
        let mut statement = connection.prepare_cached(sql)?;
        let read = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get(1)?, row.get(2)?));
        let found = statement.query_row([id.as_str()], read).optional()?;
        let Some((status, found, why)) = found else {
            return gone(Withdrawn::Agent(Status::Revoked), None);
        };
        let status = Status::parse(&status).ok_or_else(|| malformed("agent", id.as_str()))?;
        if status != Status::Active || unsigned(found) != *epoch {
            return gone(Withdrawn::Agent(status), reason(why, id.as_str())?);
        }
    }
    let mut statement = connection.prepare_cached("SELECT reason FROM revocations WHERE kind = ?1 AND name = ?2")?;
    for what in basis.revocables() {
        let (kind, name) = what.named();
        let found: Option<Option<String>> = statement.query_row([kind, &name], |row| row.get(0)).optional()?;
        if let (Some(why), Some(what)) = (found, basis.lost(&what)) {
            return gone(what, reason(why, &name)?);
        }
    }
    let keys = match &basis.agent {
        Some((id, _)) if basis.key.is_some() => keys(connection, id.as_str())?,
        _ => Vec::new(),
    };
    match basis.key_ends(&keys, now) {
        Ok(end) => Ok(Standing::Good(end)),
        Err(what) => gone(what, None),
    }
}

/// A number as SQLite has it. Seconds and counts beyond 2⁶³ are as good as 2⁶³.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

fn agent(connection: &Connection, row: &Row<'_>) -> Result<Agent, StoreError> {
    let text = |column| row.get::<_, String>(column);
    let number = |column| row.get(column).map(unsigned);
    let id = text(0)?;
    let wrong = || malformed("agent", &id);
    let parsed = Agent::new(
        AgentId::parse(&id).map_err(|_| wrong())?,
        &text(1)?,
        Subject::parse(&text(2)?).map_err(|_| wrong())?,
        &text(3)?,
        ScopeSet::parse_strict(&text(4)?).map_err(|_| wrong())?,
        number(9)?,
    );
    Ok(Agent {
        status: Status::parse(&text(5)?).ok_or_else(wrong)?,
        reason: reason(row.get(6)?, &id)?,
        keys: keys(connection, &id)?,
        epoch: number(7)?,
        injections: number(8)?,
        updated_at: number(10)?,
        ..parsed.map_err(|_| wrong())?
    })
}

fn keys(connection: &Connection, agent: &str) -> Result<Vec<AgentKey>, StoreError> {
    let sql = "SELECT jwk, not_before, expires, thumbprint FROM agent_keys WHERE agent = ?1 ORDER BY place";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([agent])?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        let (jwk, thumbprint): (String, String) = (row.get(0)?, row.get(3)?);
        let key = AgentKey::parse(jwk.as_bytes(), unsigned(row.get(1)?));
        let key = match row.get::<_, Option<i64>>(2)? {
            Some(expires) => key.and_then(|key| key.until(unsigned(expires))),
            None => key,
        };
        let key = key.ok().filter(|key| key.thumbprint().to_string() == thumbprint);
        keys.push(key.ok_or_else(|| malformed("key", &thumbprint))?);
    }
    Ok(keys)
}

fn reason(text: Option<String>, of: &str) -> Result<Option<Reason>, StoreError> {
    text.map(|text| Reason::parse(&text).map_err(|_| malformed("reason", of))).transpose()
}

fn malformed(what: &str, name: &str) -> StoreError {
    StoreError::Failed(format!("the row of the {what} `{}` does not read back", name.escape_default()))
}
