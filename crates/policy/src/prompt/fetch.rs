//! Requests as code makes them: with the query, the body and the secrets that their rule speaks of.

use super::example::{exact, quoted};
use super::{Dialect, Grant, sample};
use crate::kind::ActionName;
use crate::rule::{SecretPlace, SecretUse};

/// Methods with a body.
const BODIED: [ActionName; 3] = [ActionName::Post, ActionName::Put, ActionName::Patch];

/// The request with that method that a rule allows.
pub(super) fn one(python: bool, action: ActionName, grant: &Grant<'_>) -> Option<String> {
    let get = action == ActionName::Get;
    if !get && action != ActionName::Delete && !BODIED.contains(&action) {
        return None;
    }
    let request = Request::of(python, action, grant, false).code();
    Some(match (python, get) {
        (true, true) => format!("response = {request}\nresponse.raise_for_status()\ndata = response.json()"),
        (true, false) => request,
        (false, true) => format!(
            "const response = {request};\nif (!response.ok) throw new Error(`status ${{response.status}}`);\n\
             const data = await response.json();"
        ),
        (false, false) => format!("{request};"),
    })
}

/// How placeholders are used: one block about the first rule whose requests may do without, or else the first that has any.
pub(super) fn with_secret(dialect: Dialect, grants: &[&Grant<'_>]) -> String {
    let python = dialect == Dialect::Python;
    let shown = |grant: &&&Grant<'_>| !grant.terms.secrets.iter().all(|secret| is_demanded(grant, secret));
    let all = || grants.iter().filter(|grant| !grant.terms.secrets.is_empty());
    let found = all().find(shown).or_else(|| all().next()).and_then(|grant| {
        let bodied = grant.terms.secrets.iter().any(|secret| matches!(secret.place, SecretPlace::Body(_)));
        let fits = |action: &ActionName| match action {
            ActionName::Get => !bodied,
            ActionName::Delete => true,
            other => BODIED.contains(other),
        };
        Some(Request::of(python, grant.scope.actions().find(fits)?, grant, true).code())
    });
    let Some(code) = found else { return String::new() };
    let (language, imports, end) =
        if python { ("python", "import bailiwick\nimport requests\n\n", "") } else { ("javascript", "", ";") };
    format!(
        "\nThe code never sees a secret. It gets a placeholder, and the server gets the value in its place; the placeholder \
         anywhere else in a request is refused.\n\n```{language}\n{imports}{code}{end}\n```\n"
    )
}

/// A request as code: names, and the code of their values.
struct Request {
    python: bool,
    action: ActionName,
    url: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Option<Vec<(String, String)>>,
}

impl Request {
    /// The request that a rule allows. Its secrets are there if they are wanted, or stand where the rule demands something.
    fn of(python: bool, action: ActionName, grant: &Grant<'_>, wanted: bool) -> Request {
        let texts = |(name, text): (String, String)| (name, quoted(&text));
        let query = grant.query.as_deref().map(sample::parameters).unwrap_or_default();
        let mut request = Request {
            python,
            action,
            url: quoted(&exact(&grant.scope)),
            query: query.into_iter().map(texts).collect(),
            headers: Vec::new(),
            body: body(python, action, grant),
        };
        for secret in &grant.terms.secrets {
            request.put(secret, wanted);
        }
        request
    }

    fn put(&mut self, secret: &SecretUse, wanted: bool) {
        let name = quoted(secret.name.as_str());
        let code = if self.python { format!("bailiwick.secret({name})") } else { format!("secret({name})") };
        let (place, code) = match &secret.place {
            SecretPlace::Header(header) => {
                let bearer = if header == "authorization" { "\"Bearer \" + " } else { "" };
                if wanted {
                    self.headers.push((header.clone(), format!("{bearer}{code}")));
                }
                return;
            }
            SecretPlace::Query(key) => ((key, &mut self.query), code),
            SecretPlace::Body(_) if self.body.is_none() && !wanted => return,
            SecretPlace::Body(member) => ((member, self.body.get_or_insert_default()), code),
        };
        let (name, members) = place;
        match members.iter_mut().find(|(own, _)| own == name) {
            Some((_, value)) => *value = code,
            None if wanted => members.push((name.clone(), code)),
            None => {}
        }
    }

    fn code(&self) -> String {
        if self.python { self.python() } else { self.javascript() }
    }

    fn python(&self) -> String {
        let mut code = format!("requests.{}({}", self.action, self.url);
        let parts = [("params", Some(&self.query)), ("headers", Some(&self.headers)), ("json", self.body.as_ref())];
        for (name, members) in parts {
            if let Some(members) = members.filter(|members| !members.is_empty()) {
                code += &format!(", {name}={}", sample::object(true, members));
            }
        }
        code + ")"
    }

    fn javascript(&self) -> String {
        let mut code = format!("await fetch({}", self.url);
        if !self.query.is_empty() {
            code += &format!(" + \"?\" + new URLSearchParams({})", sample::object(false, &self.query));
        }
        let method = format!("method: \"{}\"", self.action.as_str().to_ascii_uppercase());
        let mut headers = self.headers.clone();
        let Some(body) = &self.body else {
            let mut options = Vec::new();
            if self.action != ActionName::Get {
                options.push(method);
            }
            if !headers.is_empty() {
                options.push(format!("headers: {}", sample::object(false, &headers)));
            }
            return match options.is_empty() {
                true => code + ")",
                false => format!("{code}, {{ {} }})", options.join(", ")),
            };
        };
        headers.insert(0, ("content-type".to_owned(), "\"application/json\"".to_owned()));
        format!(
            "{code}, {{\n  {method},\n  headers: {},\n  body: JSON.stringify({}),\n}})",
            sample::object(false, &headers),
            sample::object(false, body)
        )
    }
}

/// Whether the rule has a condition on the place of a secret, so that every request has something there.
fn is_demanded(grant: &Grant<'_>, secret: &SecretUse) -> bool {
    match &secret.place {
        SecretPlace::Header(_) => false,
        SecretPlace::Query(key) => grant.query.iter().flatten().any(|condition| condition.argument == *key),
        SecretPlace::Body(member) => grant.conditions.iter().any(|condition| condition.argument == *member),
    }
}

/// The members of the body, of a request that has one.
fn body(python: bool, action: ActionName, grant: &Grant<'_>) -> Option<Vec<(String, String)>> {
    let members = sample::members(&grant.conditions);
    if members.is_empty() {
        return BODIED.contains(&action).then(|| vec![("name".to_owned(), quoted("value"))]);
    }
    Some(members.iter().map(|(name, value)| (name.clone(), sample::literal(python, value))).collect())
}
