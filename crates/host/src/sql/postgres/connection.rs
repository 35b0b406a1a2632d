//! A connection to a server: each statement is a transaction of its own, with everything set that holds it.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_guard::HostError;
use bailiwick_policy::Code;
use futures::TryStreamExt as _;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::super::answer::{Answer, Writer};
use super::server::{PostgresServer, ServerPlace};
use super::text::quote;
use super::values::{Parameter, Raw, is_shown};
use super::visit::Catalog;
use super::wire::{ByteCap, Stream, Wire};
use crate::ambient;

/// The longest that connecting may take.
const CONNECTING: Duration = Duration::from_secs(5);

/// Of the tables in one schema, the columns in their order; of the schema its operators, and its functions among some names, but
/// for those that extensions brought.
const CATALOG: &str = "SELECT 'column', c.relname::text, a.attname::text, a.attnum::int FROM pg_catalog.pg_class c \
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid \
    WHERE n.nspname = $1 AND c.relname = ANY ($2) AND c.relkind = ANY ('{r,p,v,m}') AND a.attnum > 0 \
    AND NOT a.attisdropped \
    UNION ALL SELECT 'operator', o.oprname::text, '', 0 FROM pg_catalog.pg_operator o \
    JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace WHERE n.nspname = $1 AND NOT EXISTS (\
    SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_operator'::pg_catalog.regclass \
    AND d.objid = o.oid AND d.deptype = 'e') \
    UNION ALL SELECT 'function', p.proname::text, '', 0 FROM pg_catalog.pg_proc p \
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $1 AND p.proname = ANY ($3) \
    AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass \
    AND d.objid = p.oid AND d.deptype = 'e') \
    ORDER BY 1, 2, 4";

/// A connection and what drives it; both end when it is dropped.
pub(super) struct Connection {
    client: Client,
    driver: JoinHandle<()>,
    cap: ByteCap,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    /// Connects and logs in.
    ///
    /// # Errors
    /// `failed.connect`, `failed.tls`, `failed.host_permission`, `failed.database_busy`.
    pub(super) async fn open(server: &PostgresServer) -> Result<Connection, HostError> {
        let opening = async {
            let place = server.place().await.ok_or(HostError::Failed(Code::Internal))?;
            let cap = ByteCap::new();
            let stream = match &server.place {
                ServerPlace::Tcp(host, port) => ambient::dial_server(host, *port).await.map(Stream::Tcp),
                ServerPlace::Socket(path) => ambient::dial_socket(path).await.map(Stream::Socket),
            };
            let wire = Wire::new(stream.map_err(|_| HostError::Failed(Code::ConnectFailed))?, cap.clone());
            let (client, driver) = match &server.tls {
                None => {
                    let connected = server.config.connect_raw(wire, NoTls).await;
                    let (client, driver) = connected.map_err(|error| refusal(&error))?;
                    (client, tokio::spawn(async move { drop(driver.await) }))
                }
                Some((host, tls)) => {
                    let mut maker = MakeRustlsConnect::new(rustls::ClientConfig::clone(tls));
                    let made = tokio_postgres::tls::MakeTlsConnect::<Wire>::make_tls_connect(&mut maker, host);
                    let tls = made.map_err(|_| HostError::Failed(Code::TlsFailed))?;
                    let connected = server.config.connect_raw(wire, tls).await;
                    let (client, driver) = connected.map_err(|error| refusal(&error))?;
                    (client, tokio::spawn(async move { drop(driver.await) }))
                }
            };
            Ok(Connection { client, driver, cap, _place: place })
        };
        tokio::time::timeout(CONNECTING, opening).await.unwrap_or(Err(HostError::Failed(Code::ConnectFailed)))
    }

    /// Whether the connection still stands.
    pub(super) fn is_good(&self) -> bool {
        !self.client.is_closed() && !self.driver.is_finished()
    }

    /// The columns of these tables, the operators of their schema, and which of the members are functions of it.
    pub(super) async fn catalog(
        &self,
        server: &PostgresServer,
        tables: &[String],
        members: &[String],
    ) -> Result<Catalog, HostError> {
        self.begin(server, false).await?;
        let found = self.client.query(CATALOG, &[&server.schema, &tables, &members]).await;
        let found = found.map_err(|error| self.failed(&error, &mut String::new()));
        self.end("ROLLBACK").await?;
        let mut catalog = Catalog::default();
        for row in found? {
            let text = |at: usize| row.try_get::<_, String>(at).map_err(|_| HostError::Failed(Code::Internal));
            match text(0)?.as_str() {
                "column" => catalog.tables.entry(text(1)?).or_default().push(text(2)?),
                "operator" => _ = catalog.operators.insert(text(1)?),
                _ => _ = catalog.functions.insert(text(1)?),
            }
        }
        Ok(catalog)
    }

    /// Runs a statement and commits it, if what it gives is within the limits.
    pub(super) async fn run(
        &self,
        server: &PostgresServer,
        text: &str,
        parameters: Vec<Parameter>,
        writes: bool,
        limit: usize,
        message: &mut String,
    ) -> Result<Answer, HostError> {
        self.begin(server, writes).await?;
        let answer = self.perform(text, parameters, writes, limit, message).await;
        match &answer {
            Ok(_) => self.client.batch_execute("COMMIT").await.map_err(|error| self.failed(&error, message))?,
            Err(_) if self.is_good() => self.end("ROLLBACK").await?,
            Err(_) => {}
        }
        answer
    }

    async fn perform(
        &self,
        text: &str,
        parameters: Vec<Parameter>,
        writes: bool,
        limit: usize,
        message: &mut String,
    ) -> Result<Answer, HostError> {
        let prepared = self.client.prepare(text).await.map_err(|error| self.failed(&error, message))?;
        if prepared.params().len() != parameters.len() {
            *message = format!(
                "the statement has {} parameters, and {} values were given",
                prepared.params().len(),
                parameters.len()
            );
            return Err(HostError::Failed(Code::SqlStatement));
        }
        let columns = prepared.columns();
        if let Some(odd) = columns.iter().find(|column| !is_shown(column.type_())) {
            let (name, ty) = (odd.name(), odd.type_().name());
            *message = format!(
                "the column `{name}` has the type `{ty}`, which has no JSON; write it as a text, `{name}::text`"
            );
            return Err(HostError::Failed(Code::SqlStatement));
        }
        let mut writer = Writer::new(columns.iter().map(tokio_postgres::Column::name), limit)?;
        let rows = self.client.query_raw(&prepared, parameters).await.map_err(|error| self.failed(&error, message))?;
        let mut rows = std::pin::pin!(rows);
        while let Some(row) = rows.try_next().await.map_err(|error| self.failed(&error, message))? {
            writer.row(columns.len(), |at| {
                let column = columns.get(at)?;
                match row.try_get::<_, Option<Raw<'_>>>(at).ok()? {
                    None => Some("null".to_owned()),
                    Some(raw) => raw.json(column.type_()),
                }
            })?;
        }
        writer.finish(if writes { rows.rows_affected().unwrap_or(0) } else { 0 })
    }

    /// Begins a transaction that can do little: it ends by itself, as that role, among the tables of one schema.
    async fn begin(&self, server: &PostgresServer, writes: bool) -> Result<(), HostError> {
        self.cap.renew();
        let mut path = String::new();
        quote(&mut path, &server.schema, '"');
        let mut text = format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED {access}; SET LOCAL statement_timeout = '10s'; SET LOCAL lock_timeout = '1s'; \
             SET LOCAL idle_in_transaction_session_timeout = '15s'; SET LOCAL standard_conforming_strings = on; \
             SET LOCAL search_path = pg_catalog, {path}, pg_temp; SET LOCAL bytea_output = 'hex'; SET LOCAL TimeZone = 'UTC'; \
             SET LOCAL DateStyle = 'ISO, YMD'; SET LOCAL row_security = on",
            access = if writes { "READ WRITE" } else { "READ ONLY" },
        );
        if let Some(role) = &server.role {
            text += "; SET LOCAL ROLE ";
            quote(&mut text, role, '"');
        }
        self.client.batch_execute(&text).await.map_err(|error| self.failed(&error, &mut String::new()))
    }

    async fn end(&self, text: &str) -> Result<(), HostError> {
        self.client.batch_execute(text).await.map_err(|error| self.failed(&error, &mut String::new()))
    }

    /// The code of an error, whose words go to `message` if they are about the statement.
    fn failed(&self, error: &Error, message: &mut String) -> HostError {
        if self.cap.is_used_up() {
            return HostError::Limit(Code::ResponseBytes);
        }
        let Some(told) = error.as_db_error() else {
            // No answer of the server: a value that does not fit its parameter, or a connection that is gone.
            if !self.is_good() {
                return HostError::Failed(Code::Io);
            }
            *message = "a value does not fit its parameter".to_owned();
            return HostError::Failed(Code::SqlStatement);
        };
        let state = told.code().code();
        let class = state.get(..2).unwrap_or_default();
        let words = match (class, state) {
            // Of these only what whoever wrote the statement knows already: other words may quote values.
            ("42", _) if state != SqlState::INSUFFICIENT_PRIVILEGE.code() => told.message().to_owned(),
            ("0A" | "54", _) => told.message().to_owned(),
            (_, "23503") => "a foreign key does not hold".to_owned(),
            ("23", _) => told.message().to_owned(),
            ("22", _) => format!("a value does not fit (SQLSTATE {state})"),
            ("P0", _) => "a trigger or function of the database refused it".to_owned(),
            _ => String::new(),
        };
        *message = words;
        match (class, state) {
            (_, "42501") | ("28", _) => HostError::Failed(Code::HostPermission),
            // Something that was taken for reading wants to change rows.
            (_, "25006") => HostError::Denied(Code::Unsupported),
            (_, "57014") => HostError::Limit(Code::CallDeadline),
            (_, "55P03") | ("40", _) | (_, "53300") => HostError::Failed(Code::DatabaseBusy),
            (_, "53100") => HostError::Failed(Code::NoSpace),
            (_, "53200") => HostError::Limit(Code::SqlMemory),
            ("42" | "0A" | "22" | "54" | "21", _) => HostError::Failed(Code::SqlStatement),
            ("23" | "44" | "P0", _) => HostError::Failed(Code::SqlConstraint),
            _ => HostError::Failed(Code::Io),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // The server sees the end of the connection and rolls back what was not committed.
        self.driver.abort();
    }
}

/// Why a connection was not made.
fn refusal(error: &Error) -> HostError {
    let code = match error.code().map(SqlState::code) {
        Some(state) if state.starts_with("28") || state.starts_with("3D") => Code::HostPermission,
        Some("53300" | "57P03") => Code::DatabaseBusy,
        Some(_) => Code::ConnectFailed,
        None => match std::error::Error::source(error) {
            Some(source) if is_tls(source) => Code::TlsFailed,
            _ => Code::ConnectFailed,
        },
    };
    HostError::Failed(code)
}

fn is_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        if inner.is_some_and(|inner| inner.is::<rustls::Error>()) || error.is::<rustls::Error>() {
            return true;
        }
        next = error.source();
    }
    false
}

/// A connection that is there once it was needed. Whoever uses it takes it out, so that none comes back that was in use when a
/// call was given up.
pub(super) type Slot = Arc<tokio::sync::Mutex<Option<Connection>>>;
