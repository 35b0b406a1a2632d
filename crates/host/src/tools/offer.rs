//! A tool as its server describes it.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use bailiwick_policy::ToolName;
use data_encoding::HEXLOWER;
use serde_json::{Map, Value};

/// Most tools of one server.
pub(super) const MAX_TOOLS: usize = 1000;
/// Most bytes of a server's list of tools.
pub(super) const MAX_LIST: usize = 1 << 20;

/// The members of a tool's description that are part of its identity. The rest (icons, metadata) is neither kept nor shown.
const MEMBERS: [&str; 6] = ["name", "title", "description", "inputSchema", "outputSchema", "annotations"];

/// What a server says about one of its tools. All of it is untrusted text until the operator accepts it.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    name: String,
    /// With [`MEMBERS`] only, all names sorted.
    definition: Value,
    digest: String,
}

/// Why a server's list of tools cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    #[error("it lists something that is not a tool with a name and an input schema")]
    Malformed,
    #[error("it lists two tools of the same name")]
    Twice,
    #[error("it lists more than {MAX_TOOLS} tools, or more than {MAX_LIST} bytes of them")]
    TooMany,
}

impl Offer {
    pub(super) fn of(tool: &Value) -> Result<Offer, OfferError> {
        let members = tool.as_object().ok_or(OfferError::Malformed)?;
        let kept = MEMBERS.iter().filter_map(|key| Some(((*key).to_owned(), members.get(*key)?.clone())));
        let definition = sorted(Value::Object(kept.filter(|(_, value)| !value.is_null()).collect()));
        let name = definition.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
        let name = name.ok_or(OfferError::Malformed)?.to_owned();
        let text = |key| definition.get(key).is_none_or(Value::is_string);
        let object = |key| definition.get(key).is_none_or(Value::is_object);
        let well_formed = text("title") && text("description") && object("outputSchema") && object("annotations");
        if !well_formed || !definition.get("inputSchema").is_some_and(Value::is_object) {
            return Err(OfferError::Malformed);
        }
        let digest = HEXLOWER.encode(digest(&SHA256, definition.to_string().as_bytes()).as_ref());
        Ok(Offer { name, definition, digest })
    }

    /// The same, with the members of its schemas in the order in which they were written, which is that of arguments without
    /// a name.
    pub(super) fn in_order(tool: &Value) -> Result<Offer, OfferError> {
        let mut offer = Offer::of(tool)?;
        if let (Value::Object(kept), Some(schema)) = (&mut offer.definition, tool.get("inputSchema")) {
            kept.insert("inputSchema".to_owned(), schema.clone());
        }
        Ok(offer)
    }

    /// Its name at the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether rules and guests can name it: the protocol allows names that scopes do not.
    pub fn is_nameable(&self) -> bool {
        ToolName::parse(&format!("server/{}", self.name)).is_ok()
    }

    /// What the server says that it does.
    pub fn description(&self) -> &str {
        self.definition.get("description").and_then(Value::as_str).unwrap_or_default()
    }

    /// The JSON Schema of its arguments.
    pub fn input_schema(&self) -> &Value {
        self.definition.get("inputSchema").unwrap_or(&Value::Null)
    }

    pub(super) fn output_schema(&self) -> Option<&Value> {
        self.definition.get("outputSchema")
    }

    /// What it has of the members that make up a tool's identity: name, title, description, schemas and annotations.
    pub fn definition(&self) -> &Value {
        &self.definition
    }

    /// SHA-256, in hex, of the definition.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

/// Adds a page of a server's list.
pub(super) fn collect(offers: &mut BTreeMap<String, Offer>, tools: &[Value]) -> Result<(), OfferError> {
    for tool in tools {
        let offer = Offer::of(tool)?;
        if offers.len() == MAX_TOOLS {
            return Err(OfferError::TooMany);
        }
        if offers.insert(offer.name.clone(), offer).is_some() {
            return Err(OfferError::Twice);
        }
    }
    Ok(())
}

/// The same value with the members of every object in the order of their names. Its depth is bounded by the parser.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<(String, Value)> = members.into_iter().collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(members.into_iter().map(|(key, value)| (key, sorted(value))).collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn offer(tool: Value) -> Offer {
        Offer::of(&tool).unwrap()
    }

    #[test]
    fn the_digest_is_of_what_is_said_not_of_how() {
        let plain = offer(json!({"name": "a", "description": "d", "inputSchema": {"type": "object", "title": "t"}}));
        let same = json!({"inputSchema": {"title": "t", "type": "object"}, "icons": [], "description": "d", "name": "a", "title": null});
        assert_eq!(offer(same).digest(), plain.digest());
        for other in [
            json!({"name": "b", "description": "d", "inputSchema": {"type": "object", "title": "t"}}),
            json!({"name": "a", "description": "d.", "inputSchema": {"type": "object", "title": "t"}}),
            json!({"name": "a", "description": "d", "inputSchema": {"type": "object", "title": "u"}}),
            json!({"name": "a", "description": "d", "inputSchema": {"type": "object", "title": "t"}, "title": "x"}),
            json!({"name": "a", "description": "d", "inputSchema": {"type": "object", "title": "t"}, "outputSchema": {}}),
            json!({"name": "a", "description": "d", "inputSchema": {"type": "object", "title": "t"}, "annotations": {"readOnlyHint": true}}),
        ] {
            assert_ne!(offer(other.clone()).digest(), plain.digest(), "{other}");
        }
    }

    #[test]
    fn what_is_no_tool_spoils_the_list() {
        for tool in [
            json!(1),
            json!({}),
            json!({"name": "a"}),
            json!({"name": "", "inputSchema": {}}),
            json!({"name": 1, "inputSchema": {}}),
            json!({"name": "a", "inputSchema": true}),
            json!({"name": "a", "inputSchema": {}, "description": 1}),
        ] {
            assert_eq!(Offer::of(&tool), Err(OfferError::Malformed), "{tool}");
        }
        let tool = json!({"name": "a", "inputSchema": {}});
        assert_eq!(collect(&mut BTreeMap::new(), &[tool.clone(), tool]), Err(OfferError::Twice));
        let many: Vec<_> = (0..=MAX_TOOLS).map(|n| json!({"name": n.to_string(), "inputSchema": {}})).collect();
        assert_eq!(collect(&mut BTreeMap::new(), &many), Err(OfferError::TooMany));
        assert!(!offer(json!({"name": "a/b", "inputSchema": {}})).is_nameable());
    }
}
