//! Functions of the program that embeds Bailiwick, as tools.
//!
//! They are called as other tools are: under the same rules, recorded the same, with arguments that fit a schema. What they say
//! of themselves is the embedder's own word, so that nobody has to accept it.

use std::collections::BTreeMap;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_guard::HostError;
use bailiwick_policy::{Code, Principal, ToolName};
use futures::FutureExt;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::server::Failure;
use super::{AcceptedTool, Offer, schema};

/// Whose call a tool answers.
#[derive(Clone, Debug)]
pub struct ToolContext {
    principal: Principal,
}

/// Why a tool could not do what it was asked for, **in words for the guest**. It is made of nothing else by itself, so that no
/// text of another error reaches a guest unseen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ToolError(String);

/// A function that cannot be a tool.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegisterError {
    #[error("`{0}` is not a tool that rules can name: use letters, digits, `.`, `_` and `-`")]
    Name(String),
    #[error("there is a tool `{0}` already")]
    Twice(String),
    #[error("the arguments of `{0}` are no object: use a struct with named fields")]
    NotAnObject(String),
    #[error("the arguments of `{name}` cannot be checked: {problem}")]
    Schema { name: String, problem: String },
}

/// All of them, by server and name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Functions(BTreeMap<String, BTreeMap<String, Function>>);

/// A function with what it says of itself.
#[derive(Clone)]
pub(super) struct Function {
    shown: AcceptedTool,
    body: Arc<Body>,
}

type Body = dyn Fn(Map<String, Value>, ToolContext) -> Option<Answer> + Send + Sync;
type Answer = Pin<Box<dyn Future<Output = Result<Option<Value>, ToolError>> + Send>>;

/// What a function gave.
pub(super) enum Given {
    Value(Value),
    Error(ToolError),
}

impl ToolContext {
    /// The agent that calls.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }
}

impl ToolError {
    /// An error that says `text` to the guest.
    pub fn new(text: impl Into<String>) -> ToolError {
        ToolError(text.into())
    }
}

impl Functions {
    pub(crate) fn register<A, R, F, O>(
        &mut self,
        server: &str,
        name: &str,
        description: &str,
        function: F,
    ) -> Result<(), RegisterError>
    where
        A: DeserializeOwned + JsonSchema,
        R: Serialize,
        F: Fn(A, ToolContext) -> O + Send + Sync + 'static,
        O: Future<Output = Result<R, ToolError>> + Send + 'static,
    {
        let whole = format!("{server}/{name}");
        ToolName::parse(&whole).map_err(|_| RegisterError::Name(whole.clone()))?;
        let input = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<A>().to_value();
        if input.get("type").and_then(Value::as_str) != Some("object") {
            return Err(RegisterError::NotAnObject(whole));
        }
        if let Some(problem) = schema::problem(&input) {
            return Err(RegisterError::Schema { name: whole, problem });
        }
        let offer = Offer::in_order(&json!({ "name": name, "description": description, "inputSchema": input }));
        let shown = AcceptedTool::own(offer.map_err(|_| RegisterError::NotAnObject(whole.clone()))?);
        let body: Arc<Body> = Arc::new(move |arguments, context| {
            let arguments = serde_json::from_value(Value::Object(arguments)).ok()?;
            let answer = function(arguments, context);
            Some(Box::pin(async move { answer.await.map(|given| serde_json::to_value(given).ok()) }))
        });
        let tools = self.0.entry(server.to_owned()).or_default();
        if tools.contains_key(name) {
            return Err(RegisterError::Twice(whole));
        }
        tools.insert(name.to_owned(), Function { shown, body });
        Ok(())
    }

    /// Those of one server.
    pub(super) fn of(&self, server: &str) -> BTreeMap<String, Function> {
        self.0.get(server).cloned().unwrap_or_default()
    }
}

impl Function {
    pub(super) fn shown(&self) -> &AcceptedTool {
        &self.shown
    }

    /// Calls the function. A panic is caught, one that takes too long is dropped; what does not wait cannot be stopped.
    pub(super) async fn call(
        &self,
        arguments: Map<String, Value>,
        principal: &Principal,
        within: Duration,
    ) -> Result<Given, Failure> {
        let context = ToolContext { principal: principal.clone() };
        let call = async {
            let answer = (self.body)(arguments, context).ok_or_else(|| Failure {
                error: HostError::Failed(Code::ToolArguments),
                why: Some("they fit the schema, and yet not the type that it was made from".to_owned()),
            })?;
            match answer.await {
                Ok(Some(value)) => Ok(Given::Value(value)),
                Ok(None) => Err(Failure {
                    error: HostError::Failed(Code::ToolResult),
                    why: Some("it cannot be written as JSON".to_owned()),
                }),
                Err(error) => Ok(Given::Error(error)),
            }
        };
        // What a function shares with other calls is its own affair, as it is when it runs in a thread that panics.
        match tokio::time::timeout(within, AssertUnwindSafe(call).catch_unwind()).await {
            Ok(Ok(given)) => given,
            Ok(Err(_panic)) => Err(Failure {
                error: HostError::Failed(Code::ToolError),
                why: Some("the function panicked".to_owned()),
            }),
            Err(_elapsed) => Err(HostError::Limit(Code::CallDeadline).into()),
        }
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Function").field("name", &self.shown.name()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Invoice {
        #[serde(default)]
        note: Option<String>,
        /// In cents.
        amount: u64,
    }

    fn principal() -> Principal {
        Principal { issuer: "i".into(), subject: "s".into(), agent: "bot".into() }
    }

    fn functions() -> Functions {
        let mut all = Functions::default();
        all.register("billing", "create", "Creates.", |invoice: Invoice, context: ToolContext| async move {
            match invoice.amount {
                0 => Err(ToolError::new("nothing to pay")),
                1 => panic!("a defect"),
                2 => std::future::pending().await,
                amount => Ok(json!({ "amount": amount, "note": invoice.note, "agent": context.principal().agent })),
            }
        })
        .unwrap();
        all
    }

    #[test]
    fn what_it_says_of_itself_comes_from_its_types() {
        let tools = functions().of("billing");
        let shown = tools.get("create").unwrap().shown();
        assert_eq!((shown.name(), shown.description()), ("create", "Creates."));
        let schema = shown.input_schema();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
        assert_eq!(
            (&schema["required"], &schema["properties"]["amount"]["description"]),
            (&json!(["amount"]), &json!("In cents."))
        );
        let order: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        assert_eq!(order, ["note", "amount"]);
        assert!(schema::fits(schema, &json!({ "amount": 1 })));
        for wrong in [json!({}), json!({ "amount": -1 }), json!({ "amount": 1.5 }), json!({ "amount": 1, "x": 1 })] {
            assert!(!schema::fits(schema, &wrong), "{wrong}");
        }
        assert!(functions().of("other").is_empty());
    }

    #[test]
    fn what_cannot_be_a_tool_is_refused() {
        let mut all = functions();
        let mut register = |server: &str, name: &str| {
            all.register(server, name, "", |_: Invoice, _| async { Ok::<_, ToolError>(()) })
                .map_err(|error| error.to_string())
        };
        assert!(register("billing", "cancel").is_ok());
        assert!(register("billing", "create").unwrap_err().contains("already"));
        assert!(register("billing", "not allowed").unwrap_err().contains("rules can name"));
        assert!(register("a/b", "c").unwrap_err().contains("rules can name"));
        let number = all.register("billing", "n", "", |_: u8, _| async { Ok::<_, ToolError>(()) });
        assert_eq!(number, Err(RegisterError::NotAnObject("billing/n".into())));
    }

    #[tokio::test(start_paused = true)]
    async fn it_may_fail_panic_or_hang_and_no_more() {
        let tools = functions().of("billing");
        let call = |arguments: Value| {
            let Value::Object(arguments) = arguments else { panic!("an object") };
            let function = tools.get("create").unwrap().clone();
            async move { function.call(arguments, &principal(), Duration::from_secs(1)).await }
        };
        let Ok(Given::Value(value)) = call(json!({ "amount": 7 })).await else { panic!("a value") };
        assert_eq!(value, json!({ "amount": 7, "note": null, "agent": "bot" }));
        let Ok(Given::Error(error)) = call(json!({ "amount": 0 })).await else { panic!("an error") };
        assert_eq!(error, ToolError::new("nothing to pay"));
        for (amount, expected) in [
            (json!(1), HostError::Failed(Code::ToolError)),
            (json!(2), HostError::Limit(Code::CallDeadline)),
            (json!("x"), HostError::Failed(Code::ToolArguments)),
        ] {
            let failure = call(json!({ "amount": amount })).await.map(|_| ()).unwrap_err();
            assert_eq!(failure.error, expected);
        }
    }
}
