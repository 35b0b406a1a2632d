//! The ability to send mail: an action, who performs it, and how a guest's words become one.

use std::sync::mpsc::Sender;

use bailiwick::guard::journal::Fingerprint;
use bailiwick::guard::{Action, Effect, HostError, Perform, Permit};
use bailiwick::policy::{ActionName, Arguments, Code, CustomKind, CustomResource, Resource};
use serde_json::{Value, json};

/// What its scopes begin with: `x-mail:send:team/alice`.
pub(crate) const MAIL: CustomKind = CustomKind::new("x-mail");

/// A message to whoever the resource names.
pub(crate) struct SendMail(CustomResource, Arguments);

impl SendMail {
    /// A message has a subject.
    pub(crate) fn make(to: CustomResource, arguments: Arguments) -> Option<SendMail> {
        arguments.members().get("subject")?.as_str()?;
        Some(SendMail(to, arguments))
    }
}

impl Action for SendMail {
    const NAME: ActionName = ActionName::Send;
    const EFFECT: Effect = Effect::World;
    type Output = Value;

    fn resource(&self) -> Resource {
        Resource::Custom(self.0.clone())
    }

    fn arguments(&self) -> Arguments {
        self.1.clone()
    }

    /// Its resource and its arguments are in the print already.
    fn fingerprint(&self, print: &mut Fingerprint) {
        print.text("send-mail");
    }
}

/// Hands messages to whoever listens.
pub(crate) struct Post(pub(crate) Sender<String>);

impl Perform<SendMail> for Post {
    async fn perform(&self, permit: Permit<'_, SendMail>) -> Result<Value, HostError> {
        let SendMail(to, arguments) = permit.action();
        let message = format!("{to}: {}", arguments.members().get("subject").unwrap_or(&Value::Null));
        self.0.send(message).map_err(|_| HostError::Failed(Code::Io))?;
        Ok(json!({ "sent": true }))
    }
}
