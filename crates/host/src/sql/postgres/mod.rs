//! PostgreSQL databases.
//!
//! SQLite says itself what a statement needs; PostgreSQL has no such question, so that the statement is parsed. What is not
//! fully understood is refused, and what was understood is what is sent ([`text`]). The role that statements run as is a second
//! wall, which the operator builds.

mod changes;
mod connection;
mod expressions;
mod functions;
mod names;
mod queries;
mod relations;
mod server;
mod text;
mod values;
mod visit;
mod wire;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_guard::HostError;
use bailiwick_policy::Code;
use sqlparser::ast::Statement as Tree;
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::parser::Parser;

use self::connection::{Connection, Slot};
pub use self::server::{PostgresError, PostgresServer, PostgresSettings};
pub(super) use self::text::Marks;
use self::text::Text;
use self::values::Parameter;
use self::visit::{Misfit, Visitor};
use super::answer::Answer;
use super::inspect::{Need, Unfit};
use super::parameters::Parameters;
use crate::sqlite::Lanes;

/// The longest that looking at a statement may take, with connecting.
const INSPECTION: Duration = Duration::from_secs(10);
/// The stack of the thread that parses. The parser's own limit does not count chains of operators (`1=1=1`), so that a tree is
/// as deep as [`text`] lets a statement have operators and keywords. It never leaves that thread, which drops it too.
const STACK: usize = 32 << 20;
/// The deepest that a statement may nest.
const DEPTH: usize = 40;

/// A database of one run, and its connection once it was needed.
pub(super) struct Postgres {
    pub(super) name: String,
    server: PostgresServer,
    slot: Slot,
}

/// A statement that was understood.
pub(super) struct Planned {
    database: Arc<Postgres>,
    text: String,
    parameters: Vec<Parameter>,
    pub(super) needs: Vec<Need>,
    writes: bool,
}

/// What a walk through a statement found.
struct Found {
    tables: Vec<String>,
    members: Vec<String>,
    needs: Vec<Need>,
    calls: BTreeSet<usize>,
    writes: bool,
}

impl Postgres {
    pub(super) fn new(name: String, server: PostgresServer) -> Postgres {
        Postgres { name, server, slot: Slot::default() }
    }

    /// What a statement needs. `message` gets why it is not understood.
    pub(super) async fn inspect(
        self: Arc<Postgres>,
        lanes: &Lanes,
        text: &str,
        parameters: &Parameters,
        message: &mut String,
    ) -> Result<Planned, Unfit> {
        let looked = tokio::time::timeout(INSPECTION, self.look(lanes, text, parameters, message)).await;
        looked.unwrap_or(Err(Unfit::Failed(HostError::Limit(Code::CallDeadline))))
    }

    async fn look(
        self: Arc<Postgres>,
        lanes: &Lanes,
        text: &str,
        parameters: &Parameters,
        message: &mut String,
    ) -> Result<Planned, Unfit> {
        // Which tables there are is found first, and then which columns they have.
        let (given, of) = (text.to_owned(), Arc::clone(&self));
        let first = move || {
            let (Text { marks, .. }, tree) = parse(&given)?;
            Ok((marks, of.visit(&tree, None)))
        };
        let parsed = lanes.run(move |_| Ok(aside(first))).await.map_err(Unfit::Failed)?.map_err(Unfit::Failed)?;
        let (marks, named) = parsed.map_err(|why| not_understood(message, why))?;
        let parameters = parameters.placed(&marks).map_err(|why| not_understood(message, why))?;
        let parameters = parameters.into_iter().map(Parameter).collect();
        let Found { tables, members, .. } = named.map_err(|misfit| unfit(message, misfit))?;
        if tables.is_empty() {
            return Err(Unfit::Unsupported("it is about no table, so that there is nothing to decide on".to_owned()));
        }
        let catalog = self.with(async |connection| connection.catalog(&self.server, &tables, &members).await).await;
        let catalog = catalog.map_err(Unfit::Failed)?;
        let (given, of) = (text.to_owned(), Arc::clone(&self));
        let second = move || {
            let (text, tree) = parse(&given).map_err(Misfit::NotUnderstood)?;
            let found = of.visit(&tree, Some(&catalog))?;
            Ok((text.written(&found.calls), found))
        };
        let seen = lanes.run(move |_| Ok(aside(second))).await.map_err(Unfit::Failed)?.map_err(Unfit::Failed)?;
        let (text, Found { needs, writes, .. }) = seen.map_err(|misfit| unfit(message, misfit))?;
        Ok(Planned { database: self, text, parameters, needs, writes })
    }

    fn visit(&self, tree: &Tree, catalog: Option<&visit::Catalog>) -> Result<Found, Misfit> {
        let mut visitor = Visitor::new(&self.name, &self.server.schema, catalog);
        visitor.statement(tree)?;
        let Visitor { needs, tables, members, calls, writes, .. } = visitor;
        let (tables, members) = (tables.into_iter().collect(), members.into_iter().collect());
        Ok(Found { tables, members, needs: needs.list(), calls, writes })
    }

    /// Uses the connection, and makes it first if there is none that stands.
    async fn with<T>(&self, work: impl AsyncFnOnce(&Connection) -> Result<T, HostError>) -> Result<T, HostError> {
        let mut slot = self.slot.lock().await;
        let connection = match slot.take().filter(Connection::is_good) {
            Some(connection) => connection,
            None => Connection::open(&self.server).await?,
        };
        let result = work(&connection).await;
        if connection.is_good() {
            *slot = Some(connection);
        }
        result
    }
}

impl Planned {
    /// Runs a statement all of whose needs were decided.
    pub(super) async fn run(self: Arc<Planned>, limit: usize, message: &mut String) -> Result<Answer, HostError> {
        let parameters = self.parameters.iter().map(|Parameter(value)| Parameter(value.clone())).collect();
        let Planned { database, text, writes, .. } = self.as_ref();
        database
            .with(async |connection| connection.run(&database.server, text, parameters, *writes, limit, message).await)
            .await
    }
}

fn parse(text: &str) -> Result<(Text, Tree), String> {
    let text = Text::read(text)?;
    let dialect = PostgreSqlDialect {};
    let mut parser = Parser::new(&dialect).with_recursion_limit(DEPTH).with_tokens_with_locations(text.numbered());
    let tree = parser.parse_statement().map_err(|error| error.to_string())?;
    match parser.peek_token().token {
        sqlparser::tokenizer::Token::EOF => Ok((text, tree)),
        other => Err(format!("`{other}` comes after what is a whole statement")),
    }
}

/// Works on a stack that is large enough for what is deep.
fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, HostError> {
    let thread = std::thread::Builder::new().name("sql".to_owned()).stack_size(STACK).spawn(work);
    let internal = HostError::Failed(Code::Internal);
    thread.map_err(|_| internal)?.join().map_err(|_| internal)
}

fn not_understood(message: &mut String, why: String) -> Unfit {
    *message = why;
    Unfit::NotUnderstood
}

fn unfit(message: &mut String, misfit: Misfit) -> Unfit {
    match misfit {
        Misfit::Unsupported(why) => Unfit::Unsupported(why),
        Misfit::NotUnderstood(why) => not_understood(message, why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a look at a statement of tables `t (a, b)` ends with.
    fn look(text: String) -> Result<(), Misfit> {
        let looked = aside(move || {
            let (_, tree) = parse(&text).map_err(Misfit::NotUnderstood)?;
            let tables = [("t".to_owned(), ["a", "b"].map(str::to_owned).to_vec())].into();
            let catalog = visit::Catalog { tables, ..visit::Catalog::default() };
            Visitor::new("d", "public", Some(&catalog)).statement(&tree).map(drop)
        });
        looked.unwrap()
    }

    #[test]
    fn the_longest_chain_is_walked_and_dropped() {
        for (infix, times) in [("=", 1_990), ("+", 1_990), (" and a = ", 990)] {
            let chain = format!("select a from t where a{}", format!("{infix}1").repeat(times));
            assert_eq!(look(chain), Ok(()), "{infix}");
        }
        assert_eq!(look(format!("select a from t where a in (1{})", ",2".repeat(9_000))), Ok(()));
    }

    #[test]
    fn a_walk_has_an_end() {
        let mut nested = "select a from t".to_owned();
        for at in 0..18 {
            nested = format!("with recursive c{at} as (({nested}) union all select 1) select a from c{at}");
        }
        let many: String = (0..20).map(|at| format!(", t as t{at}")).collect();
        let stars = format!("select {}* from t{many}", "*, ".repeat(1_900));
        let recursive = "with recursive c as (select a from t union all select a from c) select a from c";
        assert_eq!(look(recursive.to_owned()), Ok(()));
        assert_eq!(look(format!("select *, t1.* from t{many}")), Ok(()));
        for endless in [nested, stars] {
            assert!(matches!(look(endless), Err(Misfit::Unsupported(why)) if why.contains("steps")));
        }
    }
}
